/** Everything that a seed decides. */
export class Dice {
  readonly random: () => number

  constructor(random: () => number) {
    this.random = random
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  /** A whole number from 0 on. */
  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  /** In any order. */
  shuffled<T>(choices: readonly T[]): T[] {
    return choices
      .map((choice) => ({ choice, place: this.random() }))
      .toSorted((left, right) => left.place - right.place)
      .map(({ choice }) => choice)
  }
}
