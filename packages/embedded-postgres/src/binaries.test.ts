import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Binaries, completeSymlinks, copyBinaries, findBinaries } from './binaries.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'

test('an unsupported platform is refused with its code', () => {
  const refused = (error: unknown) =>
    error instanceof EmbeddedPostgresError && error.code === 'postgres.unsupported-platform'
  assert.throws(() => findBinaries('sunos-x64'), refused)
  assert.throws(() => findBinaries(process.platform === 'win32' ? 'darwin-x64' : 'win32-x64'), refused) // known, but not installed here
})

test('listed symlinks are made once, in the package and in a copy', () => {
  const root = mkdtempSync(join(tmpdir(), 'micromart-binaries-'))
  try {
    const binaries = packageIn(join(root, 'package'))
    const copy = copyBinaries(binaries, root)
    assert.equal(readlinkSync(join(copy.packageDir, 'native/lib/libone.so')), 'libone.so.1')
    assert.equal(lstatSync(join(binaries.packageDir, 'native/lib/libone.so'), { throwIfNoEntry: false }), undefined)
    completeSymlinks(binaries)
    completeSymlinks(binaries)
    assert.equal(readlinkSync(join(binaries.packageDir, 'native/lib/libone.so')), 'libone.so.1')
    assert.equal(copyBinaries(binaries, root).packageDir, copy.packageDir)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

function packageIn(packageDir: string): Binaries {
  mkdirSync(join(packageDir, 'native', 'lib'), { recursive: true })
  writeFileSync(join(packageDir, 'package.json'), '{"version":"18.9.0"}')
  writeFileSync(join(packageDir, 'native/lib/libone.so.1'), '')
  const links = [{ source: 'native/lib/libone.so.1', target: 'native/lib/libone.so' }]
  writeFileSync(join(packageDir, 'native/pg-symlinks.json'), JSON.stringify(links))
  return { packageDir, initdb: '', postgres: '', pgCtl: '', version: '18.9.0', major: '18' }
}
