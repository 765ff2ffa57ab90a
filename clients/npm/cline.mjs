// Cline's program, set up by the two lines of docs/agents.md; its tool runs commands.

import { block } from "./guide.mjs";
import { COMMAND, printed } from "./program.mjs";
import * as trial from "./trial.mjs";

function ask(model, question) {
  const [first, start] = block("agents.md", "## Cline", "sh", model)
    .trim()
    .split("\n")
    .map((line) => line.split(" ").slice(1));
  return printed("cline", [...start, question], { first });
}

await trial.run(["cline"], {
  async chat(model) {
    return ask(model, trial.QUESTION);
  },

  async tools(model) {
    return ask(model, `Вызови run_commands: ${JSON.stringify({ commands: [COMMAND] })}`);
  },
});
