/** Style of the page of sentences. Shades of a token leave its text readable in both themes; cells have no text to see, and the whole range. */
export const sentencesStyle = `
:root { --raised: #f5f6f8; --none: #eef2f7; --half: #4f9fdc; --full: #08306b; --token: #f5a742; --token-negative: #a9a5e0; --bar: #b9d3ee; }
@media screen and (prefers-color-scheme: dark) { :root { --raised: #1f2327; --none: #22272d; --half: #2b77b5; --full: #d9eeff; --token: #9a5200; --token-negative: #544fa8; --bar: #2b4c6f; } }
html { scroll-padding-top: 6rem; }
body { max-width: 78rem; }
h1 { font-size: 1.75rem; margin: .25rem 0 .5rem; }
h2 { font-size: 1.375rem; margin-bottom: .5rem; }
header p { margin: .25rem 0; }
h2 + .quiet { margin: 0 0 .75rem; font-size: .9375rem; }
nav a { display: inline-block; margin-right: 1rem; padding: .2rem 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.measures { display: flex; flex-wrap: wrap; gap: .75rem; margin: .75rem 0; }
.measures div { background: var(--raised); border-radius: .5rem; padding: .35rem .9rem; }
.measures dt { font-size: .8125rem; color: var(--quiet); }
.measures dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.2; }
.cut { border-left: 4px solid var(--series-2); padding-left: .75rem; }
.on-paper { display: none; }
html:not(.live) .controls { display: none; }
body:has(#basis [value=vector]:checked) .of-tokens, body:has(#basis [value=tokens]:checked) .of-vector { display: none; }
button, input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--quiet); border-radius: .3rem; }
button { cursor: pointer; }
input, select { padding: .15rem .4rem; }
.bar { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.25rem; margin: 1rem -1rem 0; padding: .6rem 1rem; background: var(--page); border-block: 1px solid var(--rule); font-size: .875rem; }
.bar + section h2, .bar + .note + section h2 { border: 0; margin-top: 0; }
.bar #feature { width: 5.5rem; font-weight: 600; }
#about-feature { flex: 1 1 20rem; display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: center; font-variant-numeric: tabular-nums; }
.scale { display: inline-flex; align-items: center; gap: .4rem; margin: 0; font-variant-numeric: tabular-nums; }
.scale i { width: 6rem; height: .7rem; border-radius: .2rem; background: linear-gradient(to right in oklab, var(--none), var(--half), var(--full)); print-color-adjust: exact; forced-color-adjust: none; }
.scale.of-token i { background: linear-gradient(to right in oklab, var(--page), var(--token)); }
.reader { display: grid; grid-template-columns: minmax(0, 1fr) 19rem; gap: 0 2rem; align-items: start; }
.sentences { list-style: none; margin: 0; padding: 0; counter-reset: sentence; }
.sentences > li { position: relative; counter-increment: sentence; padding: .6rem 0 .7rem 2.5rem; border-bottom: 1px solid var(--rule); break-inside: avoid; }
.sentences > li::before { content: counter(sentence); position: absolute; left: 0; width: 2rem; text-align: right; color: var(--quiet); font-size: .875rem; line-height: 1.9rem; font-variant-numeric: tabular-nums; }
.tokens { margin: 0 0 .4rem; font-size: 1.0625rem; line-height: 1.8; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 22rem; overflow-y: auto; }
.tokens span { padding: .15em 0; border-radius: .2em; background: color-mix(in oklab, var(--token) calc(100% * var(--a, 0)), transparent); print-color-adjust: exact; forced-color-adjust: none; }
.tokens span.negative { background: color-mix(in oklab, var(--token-negative) calc(100% * var(--a, 0)), transparent); }
.tokens span:empty::before { content: "·"; color: var(--quiet); } /* a part of the next character */
.tokens span:hover { box-shadow: inset 0 -2px var(--link); }
.tokens span:focus-visible, .tokens span.kept { outline: 2px solid var(--link); outline-offset: 0; }
.bars { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(8.2rem, 1fr)); gap: .25rem; font-size: .8125rem; font-variant-numeric: tabular-nums; }
.bars button { width: 100%; display: flex; justify-content: space-between; gap: .5rem; padding: .1rem .45rem; border-color: transparent; background: linear-gradient(var(--bar), var(--bar)) 0 0 / calc(100% * var(--w)) 100% no-repeat var(--raised); print-color-adjust: exact; }
.bars button:hover, .heat button:hover { border-color: var(--link); }
button[aria-pressed=true] { border-color: var(--ink); box-shadow: 0 0 0 1px var(--ink); }
.panel { position: sticky; top: 4.5rem; max-height: calc(100vh - 6rem); overflow-y: auto; background: var(--raised); border-radius: .6rem; padding: .25rem 1rem 1rem; margin-top: .8rem; }
.panel h3 { margin: .75rem 0 0; font-size: 1rem; white-space: pre-wrap; }
.panel p { margin: .1rem 0 .5rem; }
.panel .bars { grid-template-columns: 1fr; }
.panel .bars button { background-color: var(--page); }
.places { margin: .3rem 0 0; padding: 0; list-style: none; font-size: .875rem; }
.places button { width: 100%; display: flex; justify-content: space-between; gap: .5rem; border: 0; background: none; padding: .1rem .2rem; text-align: left; font-variant-numeric: tabular-nums; }
.places button:hover { text-decoration: underline; }
.places span { white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.heat td, .matrix path { --shade: color-mix(in oklab, var(--full) calc(100% * max(0, 2 * var(--a, 0) - 1)), color-mix(in oklab, var(--half) calc(100% * min(1, 2 * var(--a, 0))), var(--none))); }
.heat { table-layout: fixed; width: max-content; font-size: .8125rem; }
.heat th[scope=row] { width: 16rem; max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; border: 0; padding: 0 .5rem 0 0; position: sticky; left: 0; background: var(--page); z-index: 1; }
.heat thead th { border: 0; padding: 0; vertical-align: bottom; width: 1.05rem; }
.heat thead th:first-child { width: 16rem; position: sticky; left: 0; background: var(--page); z-index: 1; }
.heat button { writing-mode: vertical-rl; padding: .2rem 0; width: 100%; border-color: transparent; border-radius: .2rem; font-size: .75rem; line-height: 1; font-variant-numeric: tabular-nums; text-align: right; transform: rotate(180deg); }
.heat td { padding: 0; width: 1.05rem; height: 1.05rem; border: 1px solid var(--page); font-size: 0; background: var(--shade); print-color-adjust: exact; forced-color-adjust: none; }
.heat td:hover { outline: 2px solid var(--ink); }
.heat caption { padding-bottom: .5rem; }
.heat caption > span { position: sticky; left: 0; display: inline-block; max-width: calc(100vw - 2rem); }
.matrices { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 27rem)); gap: 1rem 3rem; margin-bottom: 1rem; }
.matrices figure { display: block; max-width: 27rem; }
.matrix { margin: .4rem 0; cursor: crosshair; touch-action: pan-y; }
.matrix svg { display: block; width: 100%; height: auto; shape-rendering: crispEdges; }
.matrix rect { fill: var(--none); print-color-adjust: exact; }
.matrix path { stroke: var(--shade); fill: none; print-color-adjust: exact; forced-color-adjust: none; }
.matrix .cross { stroke: var(--series-2); stroke-width: 2; vector-effect: non-scaling-stroke; }
.distributions { display: grid; grid-template-rows: auto auto; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 1.5rem 2rem; }
.same { margin: 0; flex: 1; display: grid; place-content: center; font-size: 1.5rem; font-weight: 600; }
.filter input { width: min(24rem, 100%); }
.sortable thead button { border: 0; background: none; padding: 0; font-weight: inherit; text-align: inherit; }
.sortable thead button::after { content: "↕"; color: var(--quiet); margin-left: .3em; }
.sortable [aria-sort=ascending] button::after { content: "↑"; color: inherit; }
.sortable [aria-sort=descending] button::after { content: "↓"; color: inherit; }
.sortable { font-size: .8125rem; }
.sortable td { white-space: nowrap; }
.sortable tbody th { min-width: 14rem; max-width: 26rem; }
.sortable tbody tr:hover { background: var(--raised); }
.clipped { display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; }
.pair { display: inline-block; min-width: 7.5rem; }
.sortable td:has(.pair) { white-space: normal; min-width: 16rem; }
@media (max-width: 56rem) {
  .bar { position: static; }
  html { scroll-padding-top: 1rem; }
  .reader { display: block; }
  .distributions { grid-template-rows: none; grid-auto-flow: row; grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .panel { top: auto; bottom: 0; max-height: 32vh; z-index: 2; box-shadow: 0 -2px 12px rgb(0 0 0 / .25); margin: 0 -.5rem; border-radius: .6rem .6rem 0 0; }
  .panel .bars { grid-template-columns: 1fr 1fr; }
  .sentences > li { padding-left: 0; padding-top: 1.8rem; }
  .sentences > li::before { top: .2rem; text-align: left; }
  .heat th[scope=row], .heat thead th:first-child { width: 8rem; max-width: 8rem; }
}
@media (max-width: 34rem) { .distributions { grid-template-columns: minmax(0, 1fr); } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } .tokens span { transition: background-color .15s; } }
@media print {
  .controls, .readout { display: none; }
  .on-paper { display: inline; }
  .bar { position: static; margin: 0; padding: 0; border: 0; }
  .reader { display: block; }
  .tokens { max-height: none; }
  .heat { width: 100%; }
  .heat th, .heat thead th:first-child { position: static; }
  .sortable { font-size: 7pt; }
  .sortable tbody th { min-width: 9rem; }
  .sortable th, .sortable td { padding-right: .4rem; }
  .sortable td:has(.pair), .pair { min-width: 0; }
  tr { break-inside: avoid; }
  .sortable thead button::after { content: none; }
  section { break-inside: auto; }
}
`;
