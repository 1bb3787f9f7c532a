/** Promises of what somebody waits for; looked at again whenever something may have changed. */
export class Conditions {
  readonly #looks = new Set<() => void>()

  /** Something may have changed. */
  check(): void {
    for (const look of this.#looks) look()
  }

  /** Resolves as soon as `holds`, or when `deadline` is aborted. */
  until(holds: () => boolean, deadline: AbortSignal): Promise<void> {
    if (holds() || deadline.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.#looks.delete(look)
        deadline.removeEventListener('abort', done)
        resolve()
      }
      const look = () => {
        if (holds()) done()
      }
      this.#looks.add(look)
      deadline.addEventListener('abort', done)
    })
  }
}
