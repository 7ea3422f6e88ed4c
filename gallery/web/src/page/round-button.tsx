// A round button with only an icon; its label is for screen readers.

import { Icon, type IconName } from "./icon";

interface RoundProps {
  label: string;
  icon: IconName;
  press: () => void;
}

export function Round({ label, icon, press }: RoundProps) {
  return (
    <button class="round" aria-label={label} onClick={press}>
      <Icon name={icon} />
    </button>
  );
}
