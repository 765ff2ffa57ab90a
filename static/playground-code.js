// A chat request, streamed, as a program in Python, Node.js or the shell.

const INDENT = "    ";

/** Write a JSON value as a Python literal: strings of JSON are strings of Python too. */
function pythonLiteral(value, indent) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = indent + INDENT;
  const isFlat = Object.values(value).every((item) => typeof item !== "object" || item === null);
  const items = Array.isArray(value)
    ? value.map((item) => pythonLiteral(item, deeper))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonLiteral(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (isFlat) return `${open}${items.join(", ")}${close}`;
  return `${open}\n${items.map((item) => `${deeper}${item},\n`).join("")}${indent}${close}`;
}

/** The lines that print the calls of tools as they come, where there are tools to call. */
const PYTHON_CALLS = `        for call in chunk.choices[0].delta.tool_calls or []:
            print(call.function.name or "", call.function.arguments or "", sep="", end="")
`;
const NODE_CALLS = `  for (const call of chunk.choices[0]?.delta?.tool_calls ?? []) {
    process.stdout.write(\`\${call.function.name ?? ""}\${call.function.arguments ?? ""}\`);
  }
`;

function python(request, baseUrl) {
  const options = Object.entries(request)
    .map(([name, value]) => `${INDENT}${name}=${pythonLiteral(value, INDENT)},\n`)
    .join("");
  return `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key="YOUR_KEY")

stream = client.chat.completions.create(
${options})
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
${request.tools ? PYTHON_CALLS : ""}    if chunk.usage:
        print("\\n", chunk.usage)
`;
}

function node(request, baseUrl) {
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: "YOUR_KEY" });

const stream = await client.chat.completions.create(${JSON.stringify(request, null, 2)});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
${request.tools ? NODE_CALLS : ""}  if (chunk.usage) console.log("\\n", chunk.usage);
}
`;
}

/** Quote for the shell: within single quotes only the single quote itself is special. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function curl(request, baseUrl) {
  return `curl -N ${quoted(`${baseUrl}/chat/completions`)} \\
  -H 'Authorization: Bearer YOUR_KEY' \\
  -H 'Content-Type: application/json' \\
  -d ${quoted(JSON.stringify(request, null, 2))}
`;
}

export const WRITERS = { python, node, curl };
