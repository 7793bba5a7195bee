// The answer as a table.

/** More rows than this make a page slow; the rest is in a download. */
const SHOWN = 1000;

function cell(value) {
  const td = document.createElement("td");
  if (value === null) {
    td.className = "null";
    td.textContent = "NULL";
  } else {
    td.className = typeof value;
    td.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  return td;
}

/** Shows the rows; says how many of them when those are not all. */
export function showGrid(parent, rows) {
  parent.replaceChildren();
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]);
  const table = document.createElement("table");
  if (rows.length > SHOWN) table.createCaption().textContent = `The first ${SHOWN} of ${rows.length} rows`;
  const head = table.createTHead().insertRow();
  for (const name of columns) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = name;
    head.append(th);
  }
  const body = table.createTBody();
  for (const row of rows.slice(0, SHOWN)) {
    body.insertRow().append(...columns.map((name) => cell(row[name])));
  }
  parent.append(table);
}
