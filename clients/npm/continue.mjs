// Continue's program `cn`, set up by docs/agents.md; its tool runs a command.

import { block } from "./guide.mjs";
import { COMMAND, printed } from "./program.mjs";
import * as trial from "./trial.mjs";

function ask(model, question, ...options) {
  const files = { ".continue/config.yaml": block("agents.md", "## Continue", "yaml", model) };
  return printed("cn", ["-p", question, ...options], { files });
}

await trial.run(["@continuedev/cli"], {
  async chat(model) {
    return ask(model, trial.QUESTION);
  },

  async tools(model) {
    const question = `Вызови Bash: ${JSON.stringify({ command: COMMAND })}`;
    return ask(model, question, "--allow", "Bash");
  },
});
