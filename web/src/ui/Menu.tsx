// A menu that closes when something else is used.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.tsx";

interface Props {
  label: string;
  /** Name for those who do not see where it is. */
  title?: string | undefined;
  icon?: IconName;
  name: string;
  /** Text whose change shows that it has done its work. */
  closesWith: string;
  children: ComponentChildren;
}

export function Menu({ label, title, icon, name, closesWith, children }: Props) {
  const place = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (place.current) place.current.open = false;
  }, [closesWith]);
  useEffect(() => {
    const onEvent = (event: Event) => {
      const details = place.current;
      if (!details?.open) return;
      const isEscape = event instanceof KeyboardEvent && event.key === "Escape";
      const isOutside = !(event instanceof KeyboardEvent) && !details.contains(event.target as Node);
      if (isEscape || isOutside) details.open = false;
      if (isEscape) details.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", onEvent);
    document.addEventListener("keydown", onEvent);
    return () => {
      document.removeEventListener("pointerdown", onEvent);
      document.removeEventListener("keydown", onEvent);
    };
  }, []);
  return (
    <details class={`menu ${name}`} ref={place}>
      <summary aria-label={title}>
        {icon && <Icon name={icon} />}
        <span>{label}</span>
      </summary>
      <div class="menu-body">{children}</div>
    </details>
  );
}
