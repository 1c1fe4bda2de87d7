// What is on the page, and nothing of what it means.
const element = (selector) => document.querySelector(selector);
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function showState({ status }) {
  element('#login').hidden = status !== 'signed_out';
  element('#session').hidden = status !== 'signed_in';
  element('#logout').hidden = status !== 'signed_in';
  if (status !== 'signed_in') element('#answer').hidden = true;
}

export function showNotice(text) {
  const notice = element('#notice');
  notice.textContent = text;
  notice.hidden = text === '';
}

export function showTimeLeft(leftMs, lifetimeMs) {
  element('#seconds').textContent = Math.max(0, Math.ceil(leftMs / 1000));
  element('#lifetime').value = Math.max(0, leftMs / lifetimeMs);
}

export function showAnswer(status, text) {
  const answer = element('#answer');
  answer.textContent = `${status}\n${text}`;
  answer.hidden = false;
}

export function showEvent(text) {
  const item = document.createElement('li');
  const at = document.createElement('time');
  at.textContent = time.format(new Date());
  item.append(at, text);
  element('#events').prepend(item);
}

export function showSessions(sessions, end) {
  element('#sessions').replaceChildren(...sessions.map((session) => sessionItem(session, end)));
}

function sessionItem(session, end) {
  const item = element('#session-item').content.cloneNode(true);
  const began = dateAndTime.format(session.created_at * 1000);
  const used = dateAndTime.format(session.last_used_at * 1000);
  item.querySelector('.device').textContent = session.label ?? deviceName(session.user_agent ?? '');
  item.querySelector('.details').textContent =
    `${session.address ?? ''} · since ${began} · last used ${used}`;
  item.querySelector('.badge').hidden = !session.current;
  const button = item.querySelector('button');
  button.addEventListener('click', () => end(session.id, button));
  return item;
}

/** Enough of a user agent to know one's own devices by. */
function deviceName(userAgent) {
  const browser =
    /(Edg|Firefox|Chrome|Safari|curl)/.exec(userAgent)?.[0].replace('Edg', 'Edge') ?? 'Unknown browser';
  const system = /(Android|iPhone|iPad|Windows|Mac OS|Linux)/.exec(userAgent)?.[0];
  return system ? `${browser} on ${system}` : browser;
}
