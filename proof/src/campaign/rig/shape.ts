import { serviceNames } from '@micromart/service-kit/service'
import type { Shape } from '../plan.ts'
import type { ProcessName } from './fleet.ts'
import { linkPlans, type Place } from './links.ts'

export const processNames: readonly ProcessName[] = [...serviceNames, 'gateway']

/** Every process of an installation; `portAt` gives the ports in their order. */
export const placesOf = (instances: number, portAt: (index: number) => number): readonly Place[] =>
  processNames.flatMap((service, row) =>
    Array.from({ length: instances }, (_, column) => {
      const at = 2 * (row * instances + column)
      const number = column + 1
      return { id: `${service}-${number}`, service, number, httpPort: portAt(at), grpcPort: portAt(at + 1) }
    }),
  )

/** What a plan needs to know of an installation, before there is one. */
export function shapeOf(instances: number): Shape {
  const places = placesOf(instances, () => 0)
  return {
    services: processNames,
    instances: places.map(({ id }) => id),
    links: linkPlans(places, { postgres: 0, rabbitmq: 0, redis: 0 }).map(({ name }) => name),
  }
}
