// Light or dark: what Airflow shows around the page, else what the system prefers.

const system = matchMedia("(prefers-color-scheme: dark)");

function airflow() {
  try {
    return parent === window ? null : parent.document.documentElement;
  } catch {
    return null; // framed by another origin
  }
}

function isDark() {
  const around = airflow();
  if (around?.classList.contains("dark")) return true;
  if (around?.classList.contains("light")) return false;
  return system.matches;
}

/** Sets the theme now and whenever it changes; calls `changed` after each change. */
export function followTheme(changed = () => {}) {
  const apply = () => {
    const theme = isDark() ? "dark" : "light";
    if (document.documentElement.dataset.theme === theme) return;
    document.documentElement.dataset.theme = theme;
    changed();
  };
  const around = airflow();
  if (around) new MutationObserver(apply).observe(around, { attributeFilter: ["class"] });
  system.addEventListener("change", apply);
  apply();
}
