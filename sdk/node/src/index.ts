// XRouter for Node: `XRouter` is the official openai client with XRouter's own calls beside it.

export { XRouter, XRouter as default, Keys, ModelMap } from "./client.js";
export { details, type Details } from "./details.js";
export { login, LoginFailed, type LoginOptions, type Token } from "./login.js";
export type * from "./answers.js";
