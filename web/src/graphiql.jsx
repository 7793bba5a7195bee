// GraphiQL, with the server's own queries as tabs. What it remembers, headers too, is forgotten with the browser's tab.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { connectAccess, credentials, isKnown } from "./access.js";
import { ROOT } from "./api/root.ts";
import "./graphiql.css";

/** Asking without any would only be refused. */
const UNKNOWN = "Give an API key above, log in, or say one in the editor of headers: {\"Authorization\": \"ApiKey …\"}";

const socket = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${ROOT}/graphql/ws`;
const ask = createGraphiQLFetcher({ url: `${ROOT}/graphql`, subscriptionUrl: socket, enableIncrementalDelivery: false });

/** Makes the fetcher of GraphiQL. Headers from its editor win over the page's key; over a WebSocket they are told as it begins. */
function makeFetcher() {
  return async (params, options = {}) => {
    const said = options.headers ?? {};
    const isSaid = Object.keys(said).some((name) => /^(authorization|x-api-key)$/i.test(name));
    if (!isSaid && !isKnown()) return { errors: [{ message: UNKNOWN }] };
    return ask(params, { ...options, headers: isSaid ? said : { ...credentials(), ...said } });
  };
}

/** Has GraphiQL ask as somebody else. */
let askAnew = () => {};

function Page({ tabs }) {
  // With another fetcher GraphiQL asks for the schema again.
  const [fetcher, setFetcher] = useState(makeFetcher);
  useEffect(() => {
    askAnew = () => setFetcher(makeFetcher);
  }, []);
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={tabs}
      defaultEditorToolsVisibility="headers"
      storage={sessionStorage}
      shouldPersistHeaders
    />
  );
}

await connectAccess(() => askAnew());
const queries = await (await fetch(`${ROOT}/graphiql/queries`)).json();
const tabs = queries.map(({ query }) => ({ query, headers: "" }));
createRoot(document.getElementById("graphiql")).render(<Page tabs={tabs} />);
