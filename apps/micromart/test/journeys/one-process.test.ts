import { oneProcess } from '../shapes.ts'
import { journeys } from './journeys.ts'

journeys(oneProcess)
