// Start Swagger UI on the page of the API's reference.

"use strict";

const element = document.getElementById("api-reference");

window.SwaggerUIBundle({
  domNode: element,
  url: element.dataset.document,
  // The default would send the document to a host of others.
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  presets: [window.SwaggerUIBundle.presets.apis],
});
