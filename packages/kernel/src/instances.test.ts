import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInstances } from './instances.ts'

test('all take turns, and each is tried after the others before anybody gives up', () => {
  const { inOrder } = createInstances(['a', 'b', 'c'])
  const orders = [1, 2, 3, 4].map(() => inOrder().join(''))
  assert.deepEqual(orders, ['abc', 'bca', 'cab', 'abc'])
})

test('one that is passed over comes last for a while, and the one that may come back first comes first of these', () => {
  let now = 0
  const { inOrder, passOver } = createInstances(['a', 'b', 'c'], () => now)
  passOver('a')
  passOver('c', 500)
  assert.deepEqual([inOrder().join(''), inOrder().join('')], ['bca', 'bca'])
  now = 500
  assert.deepEqual([inOrder().join(''), inOrder().join('')], ['cba', 'bca'])
  now = 1_000
  assert.deepEqual([inOrder().join(''), inOrder().join('')], ['bca', 'cab'])
})

test('a single one is always tried', () => {
  const { inOrder, passOver } = createInstances(['a'])
  passOver('a')
  assert.deepEqual([inOrder(), inOrder()], [['a'], ['a']])
  assert.deepEqual(createInstances([]).inOrder(), [])
})

test('they may be replaced: who stays keeps what is known of it, who comes back is new', () => {
  const { inOrder, passOver, replace } = createInstances(['a', 'b'], () => 0)
  passOver('a')
  passOver('b', 500)
  replace(['a', 'c'])
  assert.deepEqual([inOrder().join(''), inOrder().join('')], ['ca', 'ca'])
  passOver('b')
  replace(['a', 'b'])
  assert.deepEqual(inOrder(), ['b', 'a'])
  replace([])
  assert.deepEqual(inOrder(), [])
})
