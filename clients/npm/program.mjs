// A program that is no library: run in a folder of its own, judged by what it prints.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as trial from "./trial.mjs";

const FILE = "Томск.txt";
const GIVE_UP_MS = 120_000;
const bin = join(import.meta.dirname, "node_modules", ".bin");

/** What a tool that runs a command must print: the file that lies in the program's folder. */
export const COMMAND = `cat ${FILE}`;

/**
 * Run a program of the environment and return what it prints. At home it finds `files`; `first` are the
 * arguments of a run before, which sets it up.
 */
export function printed(name, args, { variables = {}, files = {}, first }) {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  try {
    writeFileSync(join(folder, FILE), trial.getWeather({ city: "Томск" }));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    if (first) output(name, first, folder, variables);
    return output(name, args, folder, variables);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function output(name, args, folder, variables) {
  const { status, stdout, stderr, error } = spawnSync(join(bin, name), args, {
    cwd: folder,
    env: { ...process.env, HOME: folder, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    timeout: GIVE_UP_MS,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1));
  return stdout;
}
