import type { Attack } from './abuse-case.ts'
import { accessCases } from './cases/access-cases.ts'
import { accountCases } from './cases/account-cases.ts'
import { exhaustionCases } from './cases/exhaustion-cases.ts'
import { injectionCases } from './cases/injection-cases.ts'
import { privacyCases } from './cases/privacy-cases.ts'
import { protocolCases } from './cases/protocol-cases.ts'
import { providerCases } from './cases/provider-cases.ts'
import { secondFactorCases } from './cases/second-factor-cases.ts'
import { sessionCases } from './cases/session-cases.ts'
import { tokenCases } from './cases/token-cases.ts'

export const attacks: readonly Attack[] = [
  ...tokenCases,
  ...sessionCases,
  ...accessCases,
  ...protocolCases,
  ...exhaustionCases,
  ...accountCases,
  ...secondFactorCases,
  ...providerCases,
  ...injectionCases,
  ...privacyCases,
]
