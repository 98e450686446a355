import { accessSync, constants } from 'node:fs'

/** Server settings for a laptop: little memory, few helper processes, full durability. The caller's settings win. */
export function serverSettings(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...laptopSettings, dynamic_shared_memory_type: sharedMemoryType(), ...own }
}

const laptopSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  jit: 'off',

  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',

  // No replica ever reads this log, so it need not carry more than a crash needs.
  wal_level: 'minimal',
  max_wal_senders: '0',
  min_wal_size: '64MB',
  max_wal_size: '256MB',
  wal_buffers: '4MB',

  shared_buffers: '32MB',
  huge_pages: 'off',
  work_mem: '2MB',
  maintenance_work_mem: '32MB',
  effective_cache_size: '512MB',
  random_page_cost: '1.1',

  io_method: 'sync',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '2',
  autovacuum_naptime: '15s', // outbox, inbox and timers are queues: they want sweeping
}

function sharedMemoryType(): string {
  if (process.platform === 'win32') return 'windows'
  if (process.platform !== 'linux') return 'posix'
  try {
    accessSync('/dev/shm', constants.W_OK)
    return 'posix'
  } catch {
    return 'mmap' // a container without /dev/shm: plain files in the data directory do
  }
}
