// The whole app. It never sees a refresh token; everything about the session goes through `auth`.
import { createAuthClient } from '/lib/index.js';
import { showAnswer, showEvent, showNotice, showSessions, showState, showTimeLeft } from '/view.js';

const config = await (await fetch('/config.json')).json();
const auth = createAuthClient(config);

/** How a session can end, for the person it belonged to. */
const endings = {
  none: '',
  logout: 'You have logged out.',
  expired: 'Your session has expired. Please log in again.',
  revoked: 'Your session was ended, here or from another device. Please log in again.',
  reused:
    'Your session was ended to protect you: a copy of its cookie was used a second time. If that was not you, change your password.',
  unknown: 'Your session is not known here any more. Please log in again.',
};

let state = { status: 'unknown' };
let issuedAt = 0;

auth.onChange((next) => {
  const before = state.status;
  state = next;
  if (next.status === 'signed_out') {
    showNotice(endings[next.reason]);
    showEvent(next.reason === 'none' ? 'nobody is signed in' : `signed out (${next.reason})`);
  } else {
    issuedAt = Date.now();
    showNotice('');
    showEvent(before === 'signed_in' ? 'a new access token' : 'signed in');
    listSessions();
  }
  showState(next);
});

document.querySelector('#login form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  await busy(form.querySelector('button'), async () => {
    await auth.login(Object.fromEntries(new FormData(form)));
    form.reset();
  });
});

document
  .querySelector('#logout')
  .addEventListener('click', (event) => busy(event.currentTarget, auth.logout));

document.querySelector('#call').addEventListener('click', (event) =>
  busy(event.currentTarget, async () => {
    const response = await auth.fetch('/api/hello');
    showAnswer(response.status, await response.text());
  }),
);

async function listSessions() {
  const response = await auth.fetch(`${config.issuer}/sessions`);
  if (!response.ok) return;
  const { sessions } = await response.json();
  const end = async (id) => {
    await auth.fetch(`${config.issuer}/sessions/${id}`, { method: 'DELETE' });
    await listSessions();
  };
  showSessions(sessions, (id, button) => busy(button, () => end(id)));
}

/** Runs what a button stands for, once at a time, and says what went wrong. */
async function busy(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    showNotice(error.temporary ? 'The server cannot be reached. Please try again.' : error.message);
  } finally {
    button.disabled = false;
  }
}

// Asking is enough: `auth` refreshes when it is time, and asks the cookie for a session when the page has just been loaded.
function keepFresh() {
  auth.getAccessToken().then(
    () => showState(state),
    (error) => showNotice(error.temporary ? 'The server cannot be reached. Still trying.' : error.message),
  );
}

keepFresh();
setInterval(() => {
  if (state.status !== 'signed_in') return;
  showTimeLeft(state.expiresAt - Date.now(), state.expiresAt - issuedAt);
  keepFresh();
}, 500);
