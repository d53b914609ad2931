import { exportKeyGuard, importKeyGuard } from '../archive.ts'
import { complain } from './complain.ts'
import { dataDirOf } from './data-dir.ts'
import type { GuardOptions } from './guard.options.ts'

/** `fisherman guard export`. */
export async function guardExportCommand(file: string, options: GuardOptions): Promise<number> {
  try {
    const count = await exportKeyGuard(dataDirOf(options), file)
    console.log(`${count} signed statements written to ${file}; this folder does not sign any more`)
    return 0
  } catch (error) {
    complain('guard export', error)
    return 2
  }
}

/** `fisherman guard import`. */
export async function guardImportCommand(file: string, options: GuardOptions): Promise<number> {
  try {
    const { owner, count, epoch } = await importKeyGuard(dataDirOf(options), file)
    console.log(`${count} signed statements of ${owner} taken over; its log goes on as life ${epoch}`)
    return 0
  } catch (error) {
    complain('guard import', error)
    return 2
  }
}
