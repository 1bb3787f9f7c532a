import { createHash } from 'node:crypto'

/**
 * The dashboard: one page, nothing loaded from elsewhere, that reads `/status` every two seconds. Whatever it shows
 * goes in as text, since reasons are servers' and clients' words.
 */
const STYLE = `
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { margin: 1.5rem auto; max-width: 88rem; padding: 0 1rem }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
.good { color: #2a7d2a } .bad { color: #c22 } .quiet { opacity: .65 }
ul { margin: .3rem 0; padding-left: 1.2rem }
`

const SCRIPT = `
'use strict'
const POLL_MS = 2000
let before = null
const byId = (id) => document.getElementById(id)
const number = (value) => Number(value).toLocaleString('en')
const bytes = (value) => (value / 1048576).toFixed(1) + ' MiB'
const sum = (counts) => Object.values(counts || {}).reduce((total, count) => total + count, 0)

function element(tag, text, className) {
  const made = document.createElement(tag)
  made.textContent = text
  if (className) made.className = className
  return made
}

function row(tag, cells) {
  const made = document.createElement('tr')
  for (const cell of cells) made.append(element(tag, cell))
  return made
}

function table(id, heads, rows) {
  byId(id).replaceChildren(row('th', heads), ...rows.map((cells) => row('td', cells)))
}

function rate(now, earlier, seconds) {
  return earlier === undefined || !(seconds > 0) ? '' : number(Math.round((now - earlier) / seconds)) + '/s'
}

function trouble({ polls, datagrams }, name) {
  const failing = (polls[name] || []).filter((poll) => poll.last_error !== null)
    .map((poll) => poll.url + ': ' + poll.last_error)
  const { kernel_drops: dropped = 0, discarded = 0 } = datagrams[name] || {}
  const lost = dropped + discarded > 0 ? [number(dropped + discarded) + ' datagrams dropped'] : []
  return lost.concat(failing.slice(0, 3), failing.length > 3 ? 'and ' + (failing.length - 3) + ' more' : []).join('; ')
}

function journalCells(journal) {
  if (journal === null) return [['in memory', '', '', '', '']]
  const { bytes: onDisk, max_bytes: limit, fill, segments, healthy, full, shed_below: below } = journal
  const state = [healthy ? [] : 'its disk fails', full ? 'full' : [],
    below > 0 ? 'sheds severity below ' + below : []].flat().join('; ')
  return [[state || 'on disk', bytes(onDisk), bytes(limit), (fill * 100).toFixed(0) + ' %', number(segments)]]
}

function timeText(ms) {
  if (ms < 1000) return Math.round(ms) + ' ms'
  const s = ms / 1000
  return s < 120 ? s.toFixed(1) + ' s' : s < 7200 ? Math.round(s / 60) + ' min' : (s / 3600).toFixed(1) + ' h'
}

function lagCells(eventTime) {
  const seen = eventTime && eventTime.last_minute
  if (!seen || seen.events === 0) return ['', '']
  return [seen.lag_ms, seen.skew_ms].map(({ p99, max }) => timeText(p99) + ' (' + timeText(max) + ')')
}

function breakerText({ state, cause, next_probe: nextProbe }, nowMs) {
  const probe = nextProbe === null ? '' : ', probe in ' + timeText(Math.max(0, Date.parse(nextProbe) - nowMs))
  return state.replace('_', '-') + (state === 'closed' ? '' : ': ' + cause + probe)
}

function limitText(limit) {
  if (limit === null) return 'none'
  const used = limit.quota_used_up
  return [limit.near ? 'near it' : 'far from it', limit.waiting_keys > 0 ? number(limit.waiting_keys) + ' keys wait' : [],
    used === null ? [] : number(used.keys) + ' over the quota of the day for ' + timeText(used.for_s * 1000)].flat().join('; ')
}

function deliveryCells(name, sink) {
  const { breaker, concurrency, oldest_ms: oldest } = sink
  return [name, breakerText(breaker, Date.now()), number(concurrency.allowed) + ' ' + concurrency.mode,
    sink.paused_for_ms > 0 ? timeText(sink.paused_for_ms) : '', limitText(sink.rate_limit),
    oldest.bulk > 0 ? timeText(oldest.bulk) : '', oldest.fast > 0 ? timeText(oldest.fast) : '',
    (100 * sink.out_of_order_share).toFixed(1) + ' %', sink.last_failure]
}

function lettersByCategory({ sources, sinks }) {
  const counts = {}
  const add = (of) => { for (const [category, count] of Object.entries(of)) counts[category] = (counts[category] || 0) + count }
  for (const source of Object.values(sources)) add(source.rejected)
  for (const sink of Object.values(sinks)) add(sink.dead_lettered)
  return Object.entries(counts).sort(([, left], [, right]) => right - left)
}

function show(status, seconds) {
  const { ledger } = status
  const old = before && before.status.ledger
  byId('state').textContent = status.state + ', up ' + number(status.uptime_s) + ' s, version ' + status.version
  byId('balance').textContent = ledger.balanced ? 'ledger balanced' : 'ledger NOT balanced'
  byId('balance').className = ledger.balanced ? 'good' : 'bad'
  const wrong = status.not_ready.map(({ component, reason }) => component + ': ' + reason)
    .concat(ledger.imbalances.map(({ where, left, right }) => where + ': ' + left + ' is not ' + right))
  byId('wrong').replaceChildren(...wrong.map((text) => element('li', text, 'bad')))
  table('sources', ['source', 'received', 'rate', 'accepted', 'rejected', 'shed', 'extents', 'uncommitted',
    'lag p99 (max)', 'skew p99 (max)', 'trouble'],
    Object.entries(ledger.sources).map(([name, source]) => {
      const ring = status.rings[name] || { depth: 0, uncommitted_bytes: 0 }
      const earlier = old && old.sources[name]
      return [name, number(source.received), rate(source.received, earlier && earlier.received, seconds),
        number(source.accepted), number(sum(source.rejected)), number(source.shed), number(ring.depth),
        bytes(ring.uncommitted_bytes), ...lagCells(status.event_time[name]), trouble(status, name)]
    }))
  table('sinks', ['sink', 'state', 'delivered', 'rate', 'held', 'filtered', 'dead-lettered', 'discarded'],
    Object.entries(ledger.sinks).map(([name, sink]) => {
      const delivered = sum(sink.delivered)
      const earlier = old && old.sinks[name]
      return [name, (status.sinks[name] || {}).state || '', number(delivered),
        rate(delivered, earlier && sum(earlier.delivered), seconds), number(sum(sink.held)),
        number(sink.filtered), number(sum(sink.dead_lettered)), number(sum(sink.discarded))]
    }))
  table('delivery', ['sink', 'breaker', 'requests at once', 'paused for', 'rate limit', 'oldest bulk', 'oldest fast',
    'out of order', 'last failure'],
    Object.entries(status.sinks).map(([name, sink]) => deliveryCells(name, sink)))
  table('journal', ['journal', 'size', 'limit', 'fill', 'segments'], journalCells(status.journal))
  table('letters', ['dead letters', 'found', 'queued', 'replayed', 'purged', 'evicted', 'on disk'],
    [['', ...['found', 'queued', 'replayed', 'purged', 'evicted'].map((key) => number(ledger.dlq[key])),
      bytes(status.dead_letter_bytes)]])
  const categories = lettersByCategory(ledger)
  table('categories', ['became dead letters', ...categories.map(([category]) => category)],
    categories.length === 0 ? [] : [['', ...categories.map(([, count]) => number(count))]])
  const slabs = Object.entries(status.arena.slabs)
  table('memory', ['memory', ...slabs.map(([state]) => 'slabs ' + state), 'resident', 'limit'],
    [['', ...slabs.map(([, count]) => number(count)), bytes(status.resident_bytes), bytes(status.memory_limit_bytes)]])
}

async function poll() {
  try {
    const answer = await fetch('/status', { cache: 'no-store' })
    const status = await answer.json()
    const atMs = performance.now()
    show(status, before && (atMs - before.atMs) / 1000)
    before = { status, atMs }
  } catch {
    byId('state').textContent = 'no answer'
    byId('balance').textContent = ''
  }
  setTimeout(poll, POLL_MS)
}
poll()
`

export const DASHBOARD_HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spillway</title>
<style>${STYLE}</style>
<header><h1>Spillway</h1><span id="state" class="quiet">reading</span><strong id="balance"></strong></header>
<ul id="wrong"></ul>
<h2>Sources</h2><table id="sources"></table>
<h2>Sinks</h2><table id="sinks"></table>
<h2>Delivery</h2><table id="delivery"></table>
<h2>Journal</h2><table id="journal"></table>
<h2>Dead letters</h2><table id="letters"></table><table id="categories"></table>
<h2>Memory</h2><table id="memory"></table>
<script>${SCRIPT}</script>
</html>
`

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Only this very script and style may run, and nothing may be loaded or framed. */
export const DASHBOARD_CSP = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
