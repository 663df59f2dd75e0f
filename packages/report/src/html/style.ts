/** The style sheet that all pages share. Nothing is fetched: fonts are the reader's own. */
export const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #1a1a1a; --quiet: #595959; --rule: #d0d0d0; --link: #0b57a4;
  --series-1: #0072b2; --series-2: #c04f00; --series-3: #007f5f; --series-4: #a8497c; --series-5: #7a6400; --series-6: #1a1a1a; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e8e8e8; --quiet: #a8adb3; --rule: #3c4046; --link: #8cc3ff;
  --series-1: #56b4e9; --series-2: #e69f00; --series-3: #2fc49a; --series-4: #e58fc2; --series-5: #f0e442; --series-6: #e8e8e8; } }
body { margin: 0 auto; max-width: 66rem; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip:not(:focus) { position: absolute; clip-path: inset(50%); }
.quiet, .note { color: var(--quiet); }
.note { font-size: .875rem; font-weight: normal; }
.legend { white-space: nowrap; margin-right: .6em; }
.legend svg { vertical-align: middle; margin-right: .3em; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; break-inside: avoid; display: flex; flex-direction: column; justify-content: space-between; }
figcaption, caption { text-align: left; font-weight: 600; }
figure > svg { display: block; width: 100%; height: auto; max-width: 36rem; background: none; --plot-background: var(--page); color: var(--ink); font-size: 12px; overflow: visible; }
.tables { display: flex; flex-wrap: wrap; gap: 0 4rem; }
.wide { max-width: 100%; overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .3rem; }
th, td { padding: .2rem .75rem .2rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); }
th:first-child { text-align: left; }
tbody th { font-weight: normal; }
summary { cursor: pointer; }
@media print { body { max-width: none; font-size: 10pt; } .wide { overflow: visible; } h2, h3 { break-after: avoid; } .trainer { break-before: page; } nav, .skip { display: none; } }
`;
