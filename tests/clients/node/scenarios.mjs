// Runs the scenarios of a library and prints what came of each: null, or what went wrong.

import { strict as assert } from "node:assert";
import { text } from "node:stream/consumers";

export const settings = JSON.parse(await text(process.stdin));

// The person in front of the browser: opens a link, signs in, allows, and lands somewhere.
export async function visit(url) {
  const answer = await fetch(settings.agent, { method: "POST", body: String(url) });
  const landed = await answer.text();
  assert.equal(answer.status, 200, landed);
  return new URL(landed);
}

export async function run(scenarios) {
  const report = {};
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      await scenario();
      report[name] = null;
    } catch (error) {
      const cause = error.cause ? `\ncaused by ${JSON.stringify(error.cause)} ${error.cause.stack ?? ""}` : "";
      report[name] = `${error.stack}${cause}`;
    }
  }
  console.log(JSON.stringify(report));
}
