// GraphiQL on the hub's own page (自带的 GraphiQL 页面): the bar's choices become headers.
"use strict";

(() => {
  // Radix, inside GraphiQL, adds one <style> when a dialogue opens; the policy knows this nonce.
  window.__webpack_nonce__ = document.currentScript.dataset.styleNonce;

  const base = `${location.pathname.replace(/\/graphiql\/?$/, "")}/`;
  const endpoint = new URL(`${base}graphql`, location.origin);
  const socket = new URL(endpoint);
  socket.protocol = endpoint.protocol.replace("http", "ws");

  const ANONYMOUS = { key: "", zh: "匿名", en: "Anonymous", token: null };
  const FIELDS = ["persona", "language", "sample"];
  const said = (words) => `${words.zh} / ${words.en}`;
  const element = (id) => document.getElementById(id);

  // Remembered choices live under a name of these very tabs: new samples show at once.
  function storageOf(version) {
    const own = `zwhub:${version}:`;
    const names = () => Object.keys(localStorage).filter((name) => name.startsWith(own));
    return {
      getItem: (name) => localStorage.getItem(own + name),
      setItem: (name, value) => localStorage.setItem(own + name, value),
      removeItem: (name) => localStorage.removeItem(own + name),
      clear: () => names().forEach((name) => localStorage.removeItem(name)),
      get length() { return names().length; },
    };
  }

  let subscriptions = null;

  // Every request carries the bar's choices; what the Headers editor says goes before them.
  function fetcherFor(persona, language) {
    const credentials = persona.token ? { Authorization: `Bearer ${persona.token}` } : {};
    subscriptions?.dispose();
    subscriptions = graphqlWs.createClient({
      url: socket.href,
      lazy: true,
      connectionParams: { ...credentials, "Accept-Language": language },
    });
    return GraphiQL.createFetcher({
      url: endpoint.href,
      headers: { ...credentials, "Accept-Language": language },
      wsClient: subscriptions,
    });
  }

  // GraphiQL takes the first tab's variables from its storage, not from the tab.
  function seed(storage, tabs) {
    if (storage.getItem("graphiql:tabState") !== null || tabs.length === 0) return;
    storage.setItem("graphiql:query", tabs[0].query);
    storage.setItem("graphiql:variables", tabs[0].variables ?? "");
  }

  // The tab of a sample, or a new one when it was closed.
  function open(tab) {
    const titles = [...document.querySelectorAll(".graphiql-tab-button")];
    const known = titles.find((title) => title.textContent === tab.key);
    (known ?? document.querySelector(".graphiql-tab-add")).click();
    known?.scrollIntoView({ inline: "center" });
    if (known) return;
    const [query, variables] = document.querySelectorAll(".graphiql-editor .CodeMirror");
    query.CodeMirror.setValue(tab.query);
    variables.CodeMirror.setValue(tab.variables ?? "");
  }

  function tabOf(tab, personas) {
    const caller = personas.find((persona) => persona.key === tab.persona);
    const heading = [`# ${said(tab)}`, ...(caller ? [`# 身份 Caller: ${said(caller)}`] : [])];
    return {
      key: tab.query.match(/(?:query|mutation|subscription)\s+(\w+)/)?.[1] ?? "",
      zh: tab.zh,
      en: tab.en,
      persona: tab.persona,
      query: `${heading.join("\n")}\n\n${tab.query}`,
      variables: Object.keys(tab.variables).length ? JSON.stringify(tab.variables, null, 2) : null,
    };
  }

  function list(select, rows) {
    select.parentElement.hidden = rows.length === 0;
    rows.forEach((row) => select.add(new Option("", row.key)));
  }

  function name(select, rows, language) {
    rows.forEach((row, at) => { select.options[at].text = row[language]; });
  }

  function ide(fetcher, storage, tabs, sampleField) {
    return React.createElement(GraphiQL, {
      fetcher,
      storage,
      defaultTabs: tabs.length
        ? tabs.map(({ query, variables }) => ({ query, variables, headers: null }))
        : undefined,
      onTabChange: (state) => { sampleField.value = state.tabs[state.activeTabIndex].operationName; },
      defaultEditorToolsVisibility: "variables",
      forcedTheme: "light",
    });
  }

  async function start() {
    const answer = await fetch(`${base}graphiql/config.json`);
    if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
    const config = await answer.json();
    const personas = config.personas.length ? [ANONYMOUS, ...config.personas] : [];
    const tabs = config.tabs.map((tab) => tabOf(tab, personas));
    const storage = storageOf(config.version);
    const [personaField, languageField, sampleField] = FIELDS.map(element);
    const root = ReactDOM.createRoot(element("ide"));

    const become = (key) => {
      personaField.value = personas.some((persona) => persona.key === key) ? key : "";
    };
    const show = () => {
      const persona = personas[personaField.selectedIndex] ?? ANONYMOUS;
      const language = languageField.value;
      storage.setItem("persona", persona.key);
      storage.setItem("language", language);
      name(personaField, personas, language);
      name(sampleField, tabs, language);
      document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
      element("who").textContent = persona[language];
      element("who").classList.toggle("known", persona.token !== null);
      root.render(ide(fetcherFor(persona, language), storage, tabs, sampleField));
    };

    seed(storage, tabs);
    list(personaField, personas);
    list(sampleField, tabs);
    become(storage.getItem("persona") ?? tabs[0]?.persona);
    languageField.value = storage.getItem("language") ?? "zh";
    show();
    personaField.addEventListener("change", show);
    languageField.addEventListener("change", show);
    sampleField.addEventListener("change", () => {
      const tab = tabs[sampleField.selectedIndex];
      open(tab);
      become(tab.persona ?? personaField.value);
      show();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    start().catch((error) => {
      element("ide").textContent = `无法载入 · Could not load: ${error.message}`;
    });
  });
})();
