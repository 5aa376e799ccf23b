// Makes elements. Text only ever goes in as text, so a name from outside cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; a string becomes text. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A table's head and body from column titles and rows of cells: strings, or cells; a column of numbers is aligned as such. */
export function fillTable(table, titles, rows) {
  const isNumber = (index) => rows[0]?.[index] instanceof HTMLTableCellElement && rows[0][index].classList.contains("number");
  const head = element("tr", {}, ...titles.map((title, index) =>
    element("th", { scope: "col", class: isNumber(index) ? "number" : null }, title)));
  const body = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell)))),
  );
  table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}
