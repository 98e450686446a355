import { journeys } from './journeys.ts'
import { oneProcess } from './shapes.ts'

journeys(oneProcess)
