/** Configuration of `type: file`: an archive of NDJSON files. */
import { bytesKey, choiceKey, durationKey, group, pathKey } from '../../base/config-keys.ts'
import { requestKeys, sinkKeys } from '../../pipeline/config.ts'
import type { CheckContext, Named, Report } from '../../pipeline/config.ts'
import { checkSink } from '../../pipeline/config-checks.ts'

export const fileSinkKeys = group('NDJSON files, rotated', {
  type: choiceKey(['file'], { description: 'An archive of NDJSON files on disk' }),
  ...sinkKeys,
  path: pathKey({ description: 'Folder of the archive, made where it is missing' }),
  rotate: group('When a new file is begun', {
    max_bytes: bytesKey({ default: '128MiB', min: '64KiB', max: '1024GiB', description: 'Size of a file' }),
    max_age: durationKey({ default: '1h', min: '1s', max: '8760h', description: 'Age of a file' }),
  }),
  compression: choiceKey(['none', 'gzip', 'zstd'], {
    default: 'none',
    later: ['auto'],
    description: 'Compression of the files',
  }),
  request: group('How batches are written', requestKeys({ concurrency: 1, concurrencyMax: 1 })),
})

export type FileSinkConfig = Named<typeof fileSinkKeys>

export function checkFileSink(config: FileSinkConfig, context: CheckContext, report: Report): void {
  checkSink(config, context, report)
}
