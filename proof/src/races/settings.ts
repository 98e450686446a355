import type { Race } from './race.ts'

/** How the shops of our own are set, as environment variables of the services. */
export const settings = {
  /** The provider is asked so often that it always races what it tells. */
  ordinary: { PAYMENT_RECONCILE_MS: '100', SANDBOX_SLOW_MS: '300' },
  /** The hold ends before a slow payment, and the order's patience before a late one. */
  impatient: {
    INVENTORY_HOLD_MS: '1500',
    ORDER_PAYMENT_TIMEOUT_MS: '6000',
    SANDBOX_SLOW_MS: '3000',
    SANDBOX_LATE_MS: '500',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>
export type SettingsName = keyof typeof settings

export const settingsFor = ({ shop }: Race): SettingsName => (shop === 'ours-impatient' ? 'impatient' : 'ordinary')
