import type { RigFault } from './fault.ts'
import { messageFaults } from './message-faults.ts'
import { networkFaults } from './network-faults.ts'
import { processFaults } from './process-faults.ts'
import { providerFaults } from './provider-faults.ts'
import { serverFaults } from './server-faults.ts'

export const allFaults: readonly RigFault[] = [
  ...processFaults,
  ...serverFaults,
  ...networkFaults,
  ...messageFaults,
  ...providerFaults,
]
