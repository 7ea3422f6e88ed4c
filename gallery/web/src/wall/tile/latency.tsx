// A tile's rate, and the parts of its pictures' age.

import type { Screen } from "../../net/gallery";
import { words } from "../../words/language";
import type { Measured } from "../../net/messages";

const TENTHS = { minimumFractionDigits: 1, maximumFractionDigits: 1 };

export function Parts({ screen, measured }: { screen: Screen; measured: Measured | undefined }) {
  const { facts, figures, parts } = words.value;
  if (!measured) return <div class="parts" />;
  const { fps, capture, node, broker, gallery, answer } = measured;
  const draw = Math.min(screen.drawing, answer);
  // From the sending to the answer it is drawn once; the rest is the way there and back.
  const times = { capture, node, broker, gallery, network: answer - draw, draw };
  const known = Object.values(times).filter((time) => time !== undefined);
  const age = Math.round(known.reduce((sum, time) => sum + time, 0));
  const whole = known.length === Object.keys(times).length;
  return (
    <div class="parts">
      <b>
        <span>{facts.rate(Math.round(fps))},</span>{" "}
        <span>{whole ? facts.old(age) : facts.oldAtLeast(age)}</span>
      </b>
      {/* The same where there is no room for words. */}
      <span class="brief" aria-hidden="true">
        {Math.round(fps)}/s{" "}
        <span>
          {whole ? "" : "≥ "}
          {age} ms
        </span>
      </span>
      <dl>
        {(Object.keys(times) as (keyof typeof times)[]).map((part) => (
          <div key={part} data-part={part}>
            <dt>{parts[part]}</dt>
            <dd>{times[part]?.toLocaleString(figures, TENTHS) ?? "–"} ms</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
