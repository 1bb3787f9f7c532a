import { PollEvents } from './poll-events.ts'

/** What happens while dead letters are replayed: the part of TelemetryEvents that is theirs. */
export class ReplayEvents extends PollEvents {
  replayBegan(rate: number): void {
    this.write('info', 'replay_began', 'dlq', 'dead letters are being replayed', { rate })
  }

  /** `rejected`: new letters now; `skipped`: left in the queue. */
  replayEnded(state: string, replayed: number, rejected: number, skipped: number): void {
    const level = state === 'failed' ? 'error' : 'info'
    this.write(level, 'replay_ended', 'dlq', 'a replay of dead letters has ended', {
      state,
      replayed,
      rejected,
      skipped,
    })
  }

  /** A crash broke a replay off; what was received by then is known, and marked. */
  replayRecovered(replayed: number, planned: number): void {
    const message = 'a replay was broken off: what was through is marked, the rest can be replayed again'
    this.write('info', 'replay_recovered', 'dlq', message, { replayed, planned })
  }

  replayPlanUnusable(path: string, reason: string): void {
    const message =
      'nothing tells how far a replay of dead letters was: replaying them again may send some twice'
    this.write('error', 'replay_plan_unusable', 'dlq', message, { path, reason })
  }
}
