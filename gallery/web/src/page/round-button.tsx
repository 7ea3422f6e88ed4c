// A round button that shows an icon alone; its label is for those who do not see it.

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
