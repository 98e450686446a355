import type { RigFault } from './fault.ts'
import { networkFaults } from './network-faults.ts'
import { processFaults } from './process-faults.ts'
import { serverFaults } from './server-faults.ts'

export const allFaults: readonly RigFault[] = [...processFaults, ...serverFaults, ...networkFaults]
