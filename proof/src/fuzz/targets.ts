import type { FuzzTarget } from './target.ts'
import { addressTarget } from './targets/address-target.ts'
import { apiKeyTarget } from './targets/api-key-target.ts'
import { cookieTarget } from './targets/cookie-target.ts'
import { cursorTarget } from './targets/cursor-target.ts'
import { filterTarget } from './targets/filter-target.ts'
import { bearerTarget, clientTarget, connectionTarget, traceTarget } from './targets/header-targets.ts'
import { tokenTarget } from './targets/token-target.ts'

/** Everything that reads what a stranger has written. */
export const targets: readonly FuzzTarget[] = [
  tokenTarget,
  bearerTarget,
  traceTarget,
  connectionTarget,
  clientTarget,
  addressTarget,
  cookieTarget,
  apiKeyTarget,
  cursorTarget,
  filterTarget,
]
