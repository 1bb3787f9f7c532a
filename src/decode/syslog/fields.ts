/**
 * What was found in one message: numbers, and ranges of its bytes. One object serves all messages of a decoder, so that
 * none is made for each. An empty range (from === to) is a field that is not there.
 */
export class SyslogFields {
  facility = 0
  /** 0 to 7, as in the message. */
  severity = 0
  hasTime = false
  hostFrom = 0
  hostTo = 0
  appFrom = 0
  appTo = 0
  procFrom = 0
  procTo = 0
  msgIdFrom = 0
  msgIdTo = 0
  /** Number that a Cisco device gave the message. */
  sequenceFrom = 0
  sequenceTo = 0
  messageFrom = 0
  messageTo = 0

  /** Nothing found yet: all of [from, to) is the message, of facility `user` and severity `notice` (RFC 3164 4.3.3). */
  reset(from: number, to: number): void {
    this.facility = 1
    this.severity = 5
    this.hasTime = false
    this.messageFrom = from
    this.messageTo = to
    this.forgetHeader()
  }

  forgetHeader(): void {
    this.hostFrom = this.hostTo = 0
    this.appFrom = this.appTo = 0
    this.procFrom = this.procTo = 0
    this.msgIdFrom = this.msgIdTo = 0
    this.sequenceFrom = this.sequenceTo = 0
  }

  setHost(from: number, to: number): void {
    this.hostFrom = from
    this.hostTo = to
  }

  setApp(from: number, to: number): void {
    this.appFrom = from
    this.appTo = to
  }

  setProc(from: number, to: number): void {
    this.procFrom = from
    this.procTo = to
  }

  setMsgId(from: number, to: number): void {
    this.msgIdFrom = from
    this.msgIdTo = to
  }

  setSequence(from: number, to: number): void {
    this.sequenceFrom = from
    this.sequenceTo = to
  }
}
