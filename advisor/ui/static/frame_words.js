(words => {
  const places = [
    "stFileUploader", "stElementToolbar", "stTooltipContent", "stTooltipErrorContent", "stStatusWidget",
    "stNumberInput", "stSelectbox", "stSelectboxVirtualDropdown", "stMultiSelect", "stMultiSelectDropdown", "stCode",
  ].map(name => `[data-testid="${name}"]`).join();
  const escaped = text => text.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
  const forms = Object.entries(words).map(([from, to]) => [
    new RegExp(`^${escaped(from).replaceAll("{}", "(.+?)")}$`), to]);
  const kept = window.frameWords?.kept ?? new Map();
  const say = text => {
    for (const [form, to] of forms) {
      const found = form.exec(text.trim());
      if (found) return found.slice(1).reduce((said, gap) => said.replace("{}", () => gap), to);
    }
    return text;
  };
  const take = (node, key) => {
    const english = kept.get(node)?.said === node[key] ? kept.get(node).english : node[key];
    const said = say(english);
    if (said === node[key]) return;
    node[key] = said;
    kept.set(node, { english, said, key });
  };
  const all = root => {
    for (const place of root.querySelectorAll(places)) {
      const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node; node = texts.nextNode()) take(node, "data");
      for (const one of [place, ...place.querySelectorAll("[aria-label]")])
        if (one.hasAttribute("aria-label")) take(one.getAttributeNode("aria-label"), "value");
    }
  };
  window.frameWords?.watch.disconnect();
  for (const [node, { english, said, key }] of kept) if (node[key] === said) node[key] = english;
  kept.clear();
  let asked = false;
  const watch = new MutationObserver(() => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; all(document); });
  });
  window.frameWords = { watch, kept };
  if (forms.length) {
    all(document);
    watch.observe(document.body, {
      subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["aria-label"] });
  }
})(WORDS);
