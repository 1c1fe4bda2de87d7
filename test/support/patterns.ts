/** Every regular expression literal of the sources, and texts on which a careless one takes time without end. */
import { type AST, parseRegExpLiteral } from '@eslint-community/regexpp';

/** Before a slash that divides stands a value; before one that begins a pattern, one of these or a keyword. */
const beforePattern = /(?:^|[(,=:[!&|?{;+>]|\breturn)\s*$/;
const commentOrText = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;
const template = /`(?:[^`\\$]|\\[\s\S]|\$(?!\{)|\$\{(?:[^{}]|\{[^{}]*\})*\})*`/y;
const inTemplate = /\$\{((?:[^{}]|\{[^{}]*\})*)\}/g;
const patternLiteral = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/y;

export function patternsIn(source: string): string[] {
  const found: string[] = [];
  let index = 0;
  while (index < source.length) {
    // A comment is the first thing to look for: it begins like a pattern.
    const text = at(commentOrText, source, index);
    const filled = text ?? at(template, source, index);
    const mayBegin = !filled && beforePattern.test(source.slice(Math.max(0, index - 40), index));
    const literal = mayBegin ? at(patternLiteral, source, index) : undefined;
    if (literal) found.push(literal);
    else if (filled && !text)
      found.push(...[...filled.matchAll(inTemplate)].flatMap(([, code = '']) => patternsIn(code)));
    index += (filled ?? literal)?.length ?? 1;
  }
  return found;
}

function at(pattern: RegExp, text: string, index: number): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0];
}

const printableAscii = Array.from({ length: 95 }, (_, offset) => String.fromCharCode(32 + offset));
const alphabet = [...printableAscii, '\t', '\n', '\r', '\u00a0', '\u00e9', '\u200d'];
const ends = ['', '!', '\u0001', ' \u0001'];

/**
 * For each part of a pattern that may repeat without end: what leads to it, then it again and again, then what does not fit. Two
 * such parts beside each other that take the same characters need the square of the time to fail.
 */
export function* pumpedTexts(literal: string, characters: number): Generator<string> {
  const { pattern, flags } = parseRegExpLiteral(literal);
  const sets = setsIn(pattern).map((set) => matcher(set, flags.raw));
  const samples = new Map(alphabet.map((letter) => [sets.map((set) => set.test(letter)).join(), letter]));
  for (const { lead, element } of repeated(pattern, '', flags.raw)) {
    for (const unit of unitsOf(element, [...samples.values()], flags.raw)) {
      const pumped = unit.repeat(Math.ceil(characters / unit.length));
      for (const end of ends) yield lead + pumped + end;
    }
  }
}

function matcher(set: AST.Element, flags: string): RegExp {
  return new RegExp(`^(?:${set.raw})$`, flags.replace(/[gy]/g, ''));
}

type Node = AST.Pattern | AST.Alternative | AST.Element;

function childrenOf(node: Node): readonly (AST.Alternative | AST.Element)[] {
  if ('alternatives' in node) return node.alternatives as AST.Alternative[];
  if (node.type === 'Alternative') return node.elements;
  return node.type === 'Quantifier' ? [node.element] : [];
}

function setsIn(node: Node): AST.Element[] {
  if (node.type === 'CharacterSet' || node.type === 'CharacterClass' || node.type === 'Character')
    return [node];
  return childrenOf(node).flatMap(setsIn);
}

interface Repeated {
  lead: string;
  element: AST.Element;
}

function repeated(node: Node, lead: string, flags: string): Repeated[] {
  if (node.type === 'Alternative') {
    let before = lead;
    return node.elements.flatMap((element) => {
      const inside = repeated(element, before, flags);
      before += sampleOf(element, flags);
      return inside;
    });
  }
  const inside = childrenOf(node).flatMap((child) => repeated(child, lead, flags));
  const isEndless = node.type === 'Quantifier' && node.max > 1_000;
  return isEndless ? [{ lead, element: node.element }, ...inside] : inside;
}

function unitsOf(element: AST.Element, samples: readonly string[], flags: string): string[] {
  const isSet = setsIn(element)[0] === element;
  if (isSet) return samples.filter((sample) => matcher(element, flags).test(sample));
  return childrenOf(element)
    .map((child) => sampleOf(child, flags))
    .filter((sample) => sample !== '');
}

/** A short text that the node takes. */
function sampleOf(node: AST.Alternative | AST.Element, flags: string): string {
  if (node.type === 'Character') return String.fromCodePoint(node.value);
  if (setsIn(node)[0] === node)
    return alphabet.find((letter) => matcher(node as AST.Element, flags).test(letter)) ?? '';
  if (node.type === 'Alternative') return node.elements.map((element) => sampleOf(element, flags)).join('');
  if (node.type === 'Quantifier') return sampleOf(node.element, flags).repeat(node.min);
  if (node.type === 'Assertion') return '';
  const [first] = childrenOf(node);
  return first ? sampleOf(first, flags) : '';
}
