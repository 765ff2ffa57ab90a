// Codex, as a program set up by docs/codex.md: `codex exec`, whose tool runs a command.

import { block, exported } from "./guide.mjs";
import { COMMAND, printed } from "./program.mjs";
import * as trial from "./trial.mjs";

function exec(model, question, ...more) {
  const args = ["exec", "--skip-git-repo-check", ...more, question];
  const settings = block("codex.md", "# Codex", "toml", model);
  const variables = exported(block("codex.md", "# Codex", "sh", model));
  return printed("codex", args, { variables, files: { ".codex/config.toml": settings } });
}

await trial.run(["@openai/codex"], {
  async chat(model) {
    return exec(model, trial.QUESTION);
  },

  async tools(model) {
    // The folder is empty and the command harmless: no sandbox, which not every machine has.
    const question = `Вызови exec_command: ${JSON.stringify({ cmd: COMMAND })}`;
    return exec(model, question, "--dangerously-bypass-approvals-and-sandbox");
  },
});
