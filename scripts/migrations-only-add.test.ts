import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { migrationFaults } from './migrations-only-add.ts'

const projectDir = fileURLToPath(new URL('..', import.meta.url))

const faultOf = (sql: string) => migrationFaults(sql)[0]?.split(':')[0]

describe('migrations', () => {
  const files = globSync('{packages,services}/*/migrations/**/*.sql', { cwd: projectDir }).sort()

  test('are found', () => assert.ok(files.length >= 15, `${files.length} files`))

  for (const file of files)
    test(`${file} only adds`, () => {
      assert.deepEqual(migrationFaults(readFileSync(join(projectDir, file), 'utf8')), [])
    })
})

describe('what an old version would not survive is refused', () => {
  for (const [sql, fault] of [
    ['DROP TABLE orders;', 'takes something away'],
    ['ALTER TABLE orders DROP COLUMN note;', 'takes something away'],
    ['ALTER TABLE orders\n  DROP CONSTRAINT orders_check;', 'takes something away'],
    ['ALTER TABLE orders RENAME TO purchases;', 'renames something'],
    ['alter table orders rename column a to b;', 'renames something'],
    ['ALTER TABLE orders ALTER COLUMN total TYPE bigint;', 'changes a type'],
    ['ALTER TABLE orders ALTER total SET DATA TYPE bigint;', 'changes a type'],
    ["ALTER TYPE state ADD VALUE 'x';", 'changes a type'],
    ['ALTER TABLE orders ALTER COLUMN note SET NOT NULL;', 'makes a column mandatory'],
    ['ALTER TABLE orders ADD COLUMN note text NOT NULL;', 'adds a mandatory column without a default'],
    [
      "ALTER TABLE orders ADD COLUMN a text DEFAULT '', ADD b text NOT NULL;",
      'adds a mandatory column without a default',
    ],
    ['ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0);', 'adds a constraint'],
    ['CREATE UNIQUE INDEX one ON orders (number);', 'adds a unique index'],
    ['DELETE FROM orders;', 'deletes rows'],
    ['TRUNCATE orders;', 'deletes rows'],
    ['-- we contract: later\n\nDROP TABLE orders;', 'takes something away'],
    ['-- contract:\nDROP TABLE orders;', 'takes something away'],
    ['-- contract: nobody reads it\nDROP TABLE a;\nDROP TABLE b;', 'takes something away'],
    ['CREATE TABLE a (id int);\nALTER TABLE b DROP COLUMN c', 'takes something away'],
  ] as const)
    test(sql.replaceAll('\n', ' '), () => assert.equal(faultOf(sql), fault))
})

describe('what an old version does not notice is allowed', () => {
  for (const sql of [
    'CREATE TABLE a (id int PRIMARY KEY, name text NOT NULL, UNIQUE (name));\nCREATE UNIQUE INDEX b ON a (id);',
    'ALTER TABLE orders ADD COLUMN note text;',
    "ALTER TABLE orders ADD COLUMN tags text[] NOT NULL DEFAULT '{}', ADD COLUMN other text;",
    'ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;',
    'CREATE INDEX a ON orders (note);',
    '-- contract: nothing before 1.4 reads it\nALTER TABLE orders DROP COLUMN note;',
    '-- DROP TABLE orders;\nCREATE INDEX a ON orders (note); -- not a RENAME',
    'UPDATE orders SET note = NULL;',
  ])
    test(sql.replaceAll('\n', ' '), () => assert.deepEqual(migrationFaults(sql), []))
})
