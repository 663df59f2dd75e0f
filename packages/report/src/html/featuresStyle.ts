/** What the features' page needs beyond the style that all pages share. */
export const featuresStyle = `
:root { --mark: 230, 159, 0; --deep: .8; --chip: #eeeeee; --edge: #8a5a00; }
@media screen and (prefers-color-scheme: dark) { :root { --mark: 214, 128, 0; --deep: .55; --chip: #272a2f; --edge: #ffc14d; } }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
header p { overflow-wrap: anywhere; }
.top { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 3fr); gap: 1rem 2rem; align-items: start; }
.top figure { font-size: .875rem; }
form { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; }
label { display: grid; gap: .15rem; font-size: .875rem; color: var(--quiet); }
input, select, button { font: inherit; color: var(--ink); background: var(--page); border: 1px solid var(--quiet); border-radius: 4px; padding: .3rem .5rem; }
input, select { height: 2.25rem; box-sizing: border-box; }
input { width: 11rem; }
mark:empty::before { content: "·"; }
button { cursor: pointer; }
button:disabled { color: var(--quiet); border-color: var(--rule); cursor: default; }
kbd { border: 1px solid var(--rule); border-radius: 3px; padding: 0 .3em; font-size: .9em; }
th button { border: 0; padding: 0; background: none; font-weight: 600; text-decoration: underline dotted; text-underline-offset: .25em; }
th[aria-sort=ascending] button::after { content: " ↑"; }
th[aria-sort=descending] button::after { content: " ↓"; }
th:nth-child(n+5), td.left { text-align: left; }
td.left { white-space: normal; }
table.features { min-width: 100%; }
table.features tbody tr:hover { background: var(--chip); }
nav { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; margin: 1rem 0; }
.ways { margin-top: 0; }
body:has(#feature:not([hidden])) > header { font-size: .75rem; color: var(--quiet); }
body:has(#feature:not([hidden])) > header p { display: none; }
#title:focus { outline: 0; }
#feature h2 { margin-top: .5rem; border-top: 0; padding-top: 0; font-size: 1.75rem; }
h3 { margin: 2rem 0 .5rem; }
code.token { background: var(--chip); border-radius: 3px; padding: .05rem .2rem; display: inline-block; max-width: 100%; box-sizing: border-box; line-height: 1.35; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9em; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 0 0 1.5rem; }
.facts dt { color: var(--quiet); font-size: .875rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.panels { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem 2.5rem; align-items: start; }
.panels .tokens { width: 100%; }
.panels figure { margin-bottom: 1rem; }
.panels td, .panels th { padding-block: .1rem; }
.examples { list-style: none; padding: 0; margin: 0; }
.examples li { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0 1rem; border-top: 1px solid var(--rule); padding: .6rem 0; break-inside: avoid; }
.examples li > .note { grid-column: 2; margin: .3rem 0 0; }
.strength { font-variant-numeric: tabular-nums; line-height: 1.3; }
.strength .note { display: block; }
.text { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
mark { position: relative; color: inherit; background: rgba(var(--mark), calc(var(--share) * var(--deep))); border-radius: 2px; print-color-adjust: exact; }
mark.peak { font-weight: 700; box-shadow: inset 0 -2px var(--edge); }
mark:is(:hover, :focus)::after { content: attr(data-value); position: absolute; z-index: 1; left: 0; bottom: 100%; padding: .1rem .4rem; border-radius: 4px; background: var(--ink); color: var(--page); font: 600 .8125rem/1.4 system-ui, sans-serif; white-space: nowrap; pointer-events: none; }
details { margin-top: 1rem; }
details th { white-space: nowrap; }
details td { text-align: left; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
@media (max-width: 48rem) { .top { grid-template-columns: minmax(0, 1fr); } .panels { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } .panels > div { grid-column: 1 / -1; } .examples li { grid-template-columns: minmax(0, 1fr); } .examples li > .note { grid-column: 1; } input { width: 100%; } label { flex: 1 1 12rem; } }
@media (max-width: 34rem) { table.features :is(th, td):nth-child(4) { display: none; } }
@media print { form, #hint, .ways, #list nav { display: none; } .panels { break-inside: avoid; } a { color: inherit; text-decoration: none; } }
`;
