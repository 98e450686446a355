import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { races } from '../src/races/catalogue.ts'
import { type RaceShop, startShop } from '../src/races/race-shop.ts'
import { isHeld, runRace } from '../src/races/run-races.ts'
import { type SettingsName, settings, settingsFor } from '../src/races/settings.ts'

/** Every race once, in one process. */
for (const name of Object.keys(settings) as SettingsName[])
  describe(`races in a shop with ${name} settings`, () => {
    let shop: RaceShop
    before(async () => {
      shop = await startShop({ split: false, environment: settings[name] })
    })
    after(() => shop?.close())

    for (const race of races.filter((each) => settingsFor(each) === name))
      test(`${race.name}: ${race.holds}`, async (t) => {
        const result = await runRace(race, shop, 1)
        if ('skipped' in result) return t.skip(result.skipped)
        assert.deepEqual(result.broken, [])
        assert.ok(isHeld(result))
        assert.ok(
          Object.values(result.counts).some((count) => count > 0),
          'nothing was counted',
        )
      })
  })
