// The filings of a ticker's company, and answers to questions from them. A filing's words only ever go in as text.

import { read } from "./api.js";
import { element, fillTable } from "./dom.js";
import { showFailure } from "./states.js";

const NO_FILINGS = "No filings of this company are here. The DAG filings_etl fetches those of US and Korean companies once a source is set up.";
const PERIODIC = /^(10-[KQ]|20-F|40-F)/;
const MARKED = 12;
const OPENERS = { dart: "DART", edgar: "the SEC" };

/** An instant with its year, on the clock of a time zone. */
function dated(instant, zone = "UTC") {
  return new Date(instant).toLocaleString("en-US", {
    timeZone: zone ?? "UTC", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
    hourCycle: "h23", timeZoneName: "short",
  });
}

/** A link to where something is at its source; without an address it is text. */
export function sourceLink(address, text) {
  if (!/^https?:\/\//.test(address ?? "")) return element("span", {}, text);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** The filings, newest first, each with a link to its source. */
export function showFilings(table, remark, filings, zone) {
  remark.hidden = filings.length > 0;
  remark.textContent = NO_FILINGS;
  table.hidden = filings.length === 0;
  const rows = filings.map((filing) => [
    element("td", { class: "when" }, dated(filing.accepted_at, zone)), formTitle(filing), filing.period_end ?? "",
    element("td", {}, sourceLink(filing.address, `${filing.receipt} at ${OPENERS[filing.source] ?? filing.source}`)),
    filing.is_read ? "" : "not read yet",
  ]);
  fillTable(table, ["Accepted", "Form", "Period to", "Source", ""], rows);
}

/** The day of an instant on the clock of a time zone, as 2025-04-02. */
const dayOf = (instant, zone) => new Date(instant).toLocaleDateString("en-CA", { timeZone: zone ?? "UTC" });

/** The annual and quarterly reports among filings, accepted at `since` or later, as events for the chart; newest first. */
export function filedReports(filings, since, zone) {
  return filings
    .filter((filing) => (PERIODIC.test(filing.form) || filing.source === "dart") && new Date(filing.accepted_at) >= new Date(since))
    .map(({ form, period_end: end, accepted_at: accepted, receipt, address }) => ({
      kind: "filing", effective_at: accepted, day_exchange: dayOf(accepted, zone), receipt, address,
      description: `${form}${end ? ` to ${end}` : ""}`,
    }));
}

/** Links to what the chart marks: results with a filing, and filed reports. Nothing is shown where there is none. */
export function showMarked(holder, events) {
  const marked = events.filter((event) => event.receipt).slice(0, MARKED);
  const links = marked.flatMap((event) => [
    `${event.kind === "report" ? "R" : "F"} ${event.day_exchange}: `,
    sourceLink(event.address, event.kind === "report" ? "results" : event.description), ". ",
  ]);
  holder.hidden = links.length === 0;
  holder.replaceChildren("Filings in this period: ", ...links);
}

function formTitle({ form, items, is_amendment: isAmendment }) {
  const named = items.length ? `${form}, items ${items.join(", ")}` : form;
  return isAmendment && !form.endsWith("/A") ? `${named} (corrected)` : named;
}

/** Lets a form ask about the company's filings, as known at `until()`, and shows the answers. */
export function offerQuestions(form, holder, ticker, until) {
  const button = form.querySelector("button");
  let newest = 0;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = ++newest;
    const question = form.elements.question.value.trim();
    if (!question) return;
    button.disabled = true;
    holder.setAttribute("aria-busy", "true");
    holder.replaceChildren(element("p", { class: "hint" }, "Looking into the filings ..."));
    try {
      const found = await read("answers", { question, ticker, level: form.elements.level.value, as_of: until() });
      if (number === newest) holder.replaceChildren(...answerElements(found));
    } catch (error) {
      const notice = element("p", { role: "alert" });
      showFailure(notice, error, "The question was not answered");
      if (number === newest) holder.replaceChildren(notice);
    } finally {
      button.disabled = false;
      holder.removeAttribute("aria-busy");
    }
  });
}

/** An answer: what a language model wrote, the filings' own words, and the terms in them. */
export function answerElements(found) {
  const written = found.written?.sentences.length ? writtenElements(found.written) : [];
  const hasWords = found.sources.length > 0;
  return [
    written.length || (hasWords && !found.written) ? null : element("p", { class: "lead" }, found.answer),
    ...written,
    found.note ? element("p", { class: "hint" }, found.note) : null,
    ...found.sources.map(sourceElement),
    found.changes.length ? changesElement(found.changes) : null,
    found.glossary.length ? glossaryElement(found.glossary) : null,
    element("p", { class: "hint" }, scope(found)),
  ].filter(Boolean);
}

function writtenElements({ model, sentences, citations }) {
  const text = element("p", { class: "lead" });
  for (const sentence of sentences) text.append(sentence.text, ...sentence.citations.map(mark), " ");
  const passages = citations.map((cited) => element("li", { id: `cited-${cited.number}`, value: cited.number },
    filingTitle(cited), ", ", sourceLink(cited.address, cited.citation), element("small", {}, cited.text)));
  return [text, element("p", { class: "hint" }, `Written by ${model}; each sentence was checked against what it cites.`),
    element("details", {}, element("summary", {}, "The passages that it cites"), element("ol", {}, ...passages))];
}

function mark(number) {
  const link = element("a", { href: `#cited-${number}`, class: "cited" }, `[${number}]`);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const target = document.getElementById(`cited-${number}`);
    target.closest("details").open = true;
    target.scrollIntoView({ block: "nearest" });
  });
  return link;
}

function sourceElement(source) {
  const quotes = source.quotes.map((quote) => element("li", {}, quote.plain, element("small", {}, sourceLink(source.address, quote.citation))));
  return element("article", {}, element("h3", {}, filingTitle(source)),
    element("small", {}, source.titles.slice(1).join(" / ")), element("ul", {}, ...quotes));
}

function filingTitle({ company, form, period_end: end, known_at: known }) {
  return `${company}, ${form}${end ? ` to ${end}` : ""}, known since ${dated(known)}`;
}

function changesElement(changes) {
  const items = changes.map(({ text, citation }) => element("li", {}, text, element("small", {}, citation)));
  return element("article", {}, element("h3", {}, "Both sides of these changes"), element("ul", {}, ...items));
}

function glossaryElement(terms) {
  return element("dl", {}, ...terms.flatMap(({ term, meaning }) => [element("dt", {}, term), element("dd", {}, meaning)]));
}

function scope({ filing_count: count, as_of: asOf }) {
  return `From ${count} filing${count === 1 ? "" : "s"} that were known at ${dated(asOf)}.`;
}
