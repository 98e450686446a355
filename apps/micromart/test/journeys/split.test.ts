import { after } from 'node:test'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { skipWithout } from '@micromart/testkit/require-server'
import { splitOn } from '../shapes.ts'
import { journeys } from './journeys.ts'

const host = await createVirtualHost()
journeys(splitOn('url' in host ? host.url : ''), skipWithout(host))
after(() => ('url' in host ? host.drop() : undefined))
