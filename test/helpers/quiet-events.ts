import type { SourceEvents } from '../../src/pipeline/source.ts'

/** For a source whose test listens to some of its events at most. */
export const quietEvents: SourceEvents = {
  connectionRefused() {},
  requestRefused() {},
  kernelReadMissing() {},
  inputFailed() {},
  receptionStopMissing() {},
  receiveBufferGranted() {},
  receiveFailed() {},
  kernelDropped() {},
  datagramsDiscarded() {},
  datagramsUnread() {},
  pollRequest() {},
  pollFailed() {},
  pollThrottled() {},
  pollConcurrencyChanged() {},
}
