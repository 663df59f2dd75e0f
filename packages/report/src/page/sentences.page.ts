import { sortTable } from "./sortTable.js";

for (const table of document.querySelectorAll<HTMLTableElement>("table.sortable")) sortTable(table);
