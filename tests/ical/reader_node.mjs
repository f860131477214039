// Reads calendars with ical.js: JSON on standard input, JSON on standard output (see readers.py).
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const ICAL = (await import(pathToFileURL(process.argv[2]).href)).default;
const asked = JSON.parse(readFileSync(0, "utf8"));
const start = Date.parse(asked.start);
const end = Date.parse(asked.end);
const LAST = 2000;

const text = (time) => new Date(time.toUnixTime() * 1000).toISOString().replace(".000Z", "Z");
const row = (event, from, to) => [text(from), text(to), event.component.getFirstPropertyValue("status") ?? ""];

function read(body) {
  ICAL.TimezoneService.reset();
  const calendar = new ICAL.Component(ICAL.parse(body));
  for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
  const events = calendar.getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
  const rows = [];
  for (const event of events.filter((one) => !one.isRecurrenceException())) {
    for (const other of events) {
      if (other.isRecurrenceException() && other.uid === event.uid) event.relateException(other);
    }
    if (!event.isRecurring()) {
      rows.push(row(event, event.startDate, event.endDate));
      continue;
    }
    const iterator = event.iterator();
    for (let next = iterator.next(), count = 0; next && count < LAST; next = iterator.next(), count += 1) {
      const one = event.getOccurrenceDetails(next);
      rows.push(row(one.item, one.startDate, one.endDate));
    }
  }
  return rows.filter(([from, to]) => Date.parse(to) > start && Date.parse(from) < end);
}

console.log(JSON.stringify(asked.bodies.map(read)));
