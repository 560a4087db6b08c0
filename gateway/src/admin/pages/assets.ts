/** What pages load: one style sheet, and the one script that passkeys need. Nothing comes from elsewhere. */

export const style = `:root{color-scheme:light dark;--text:#1b1b1b;--dim:#555;--paper:#fff;--line:#c8c8c8;--code:#f3f3f3;--act:#1a4fb4;--bad:#a11919;--good:#17652d}
@media(prefers-color-scheme:dark){:root{--text:#ececec;--dim:#b0b0b0;--paper:#141414;--line:#474747;--code:#222;--act:#8ab0ff;--bad:#ff9c9c;--good:#86d89b}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;color:var(--text);background:var(--paper)}
header,main{max-width:60rem;margin:0 auto;padding:.8rem 1rem}header{display:flex;flex-wrap:wrap;gap:.5rem 1.2rem;align-items:center;border-bottom:1px solid var(--line)}
header form{margin:0 0 0 auto}a{color:var(--act)}h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
pre{background:var(--code);border:1px solid var(--line);border-radius:.3rem;padding:.7rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
mark{background:#ffd24d;color:#1b1b1b;border-radius:.2rem;padding:0 .15rem}code{overflow-wrap:anywhere}
label{display:block;margin-top:.8rem}input,textarea{font:inherit;width:100%;padding:.5rem;color:var(--text);background:var(--paper);border:1px solid var(--dim);border-radius:.3rem}
button{font:inherit;padding:.55rem 1rem;border:1px solid var(--act);border-radius:.3rem;background:var(--paper);color:var(--act);cursor:pointer}
button.main{background:#1a4fb4;border-color:#1a4fb4;color:#fff}button.bad{border-color:var(--bad);color:var(--bad)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}section.decide{border-top:1px solid var(--line);margin-top:2.5rem}
ul.rows{list-style:none;padding:0}ul.rows li{border-bottom:1px solid var(--line);padding:.7rem 0;overflow-wrap:anywhere}
.dim{color:var(--dim)}.problem{color:var(--bad);font-weight:600}.done{color:var(--good);font-weight:600}
`;

/**
 * Forms with `data-passkey` ask the browser for a passkey before they are sent, and send its answer in the field
 * `answer`. The options stand in the page.
 */
export const script = `'use strict';
for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', async (event) => {
    const answer = form.querySelector('input[name=answer]');
    if (answer.value !== '') return;
    event.preventDefault();
    const say = form.querySelector('[role=status]');
    try {
      const options = JSON.parse(form.dataset.options);
      const isNew = form.dataset.passkey === 'create';
      const credential = isNew
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      answer.value = JSON.stringify(credential.toJSON());
      form.requestSubmit(event.submitter ?? undefined);
    } catch (error) {
      say.textContent = 'The passkey was not used: ' + error.message;
    }
  });
}
`;
