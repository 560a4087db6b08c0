/**
 * Text that gives orders to a model, hides from a reader, or carries data out. Such rules label and warn: attackers who
 * adapt get past any of them, so that what must hold is elsewhere (masks, types, exact values).
 */
import { defineDetector, type FindingClass } from '../detector.ts';
import { addressed, noteTo } from './addressed.ts';
import { directives } from './directives.ts';
import { disguised } from './disguised.ts';
import { hiddenText } from './hidden.ts';
import { atMoment, newTask, unasked, voided } from './hijack.ts';
import { exfiltrationLinks } from './links.ts';
import { hiddenMarkup } from './markup.ts';
import { roleMarks, roleTags } from './roles.ts';
import { weighed } from './weighed.ts';

const classes: readonly FindingClass[] = [
  {
    id: 'hidden-tags',
    severity: 'critical',
    summary: 'Unicode tag characters, which spell text that stays invisible.',
  },
  { id: 'hidden-selectors', severity: 'high', summary: 'Runs of variation selectors, which carry bytes.' },
  { id: 'zero-width', severity: 'medium', summary: 'Zero-width characters and fillers where no script needs them.' },
  { id: 'bidi-override', severity: 'medium', summary: 'Marks that turn the direction of text that needs none.' },
  { id: 'terminal-escape', severity: 'medium', summary: 'Terminal sequences that link, copy, conceal or overwrite.' },
  { id: 'role-forgery', severity: 'high', summary: 'Marks of chat templates or frames of tools.' },
  { id: 'hidden-markup', severity: 'high', summary: 'Orders to a model in comments or invisible elements.' },
  { id: 'override', severity: 'high', summary: 'Orders to forget earlier instructions.' },
  { id: 'secrecy', severity: 'high', summary: 'Orders to keep something from the user.' },
  { id: 'persona', severity: 'medium', summary: 'Orders to play a role without limits.' },
  { id: 'prompt-leak', severity: 'medium', summary: 'Orders to show the instructions of the system.' },
  { id: 'file-bait', severity: 'high', summary: 'Orders to read credentials or settings and pass them on.' },
  { id: 'exfiltration-order', severity: 'high', summary: 'Orders to send data of the user elsewhere.' },
  { id: 'cross-tool-order', severity: 'high', summary: 'Orders about other tools that divert data or hide.' },
  { id: 'agent-order', severity: 'medium', summary: 'Orders that a text gives to a model.', isGeneral: true },
  {
    id: 'task-hijack',
    severity: 'medium',
    summary: "Orders that put another task in the place of the user's.",
    isGeneral: true,
  },
  { id: 'disguised-order', severity: 'high', summary: 'Orders written backwards, in rot13, with digits or gaps.' },
  { id: 'exfiltration-image', severity: 'high', summary: 'Image whose address carries data.' },
  { id: 'exfiltration-link', severity: 'medium', summary: 'Link whose address carries data.' },
];

export const injection = defineDetector({
  id: 'injection',
  version: 5,
  summary: 'Orders to the model, hidden text, and links that carry data out.',
  classes: () => classes,
  matchers: () => [
    hiddenText,
    roleMarks,
    roleTags,
    hiddenMarkup,
    ...directives,
    addressed,
    noteTo,
    weighed,
    newTask,
    atMoment,
    voided,
    unasked,
    ...disguised,
    exfiltrationLinks,
  ],
});
