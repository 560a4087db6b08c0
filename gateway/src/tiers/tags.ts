/** What a tool reaches, by the words of its name, of the beginning of its description, and of its arguments. */
import { type Tier, type ToolTag, toolTags } from '../pipeline/contracts/traits.ts';
import type { Definition } from './classify.ts';
import { meets, setOf } from './words.ts';

const files = setOf(
  'file files directory directories folder folders disk filesystem datei dateien fichier fichiers archivo archivos',
);
/** Files of a repository, of a page or of a service, not of a machine. */
const elsewhere = setOf(
  'owner repo repository projectid project filekey sha branch repopath workspaceid siteid bucket bucketname',
);
const localPaths = setOf(
  'path filepath filename savepath localpath targetdir outputpath outputdir destination outputfile destinationpath',
);
const writesFiles = setOf('download export save write install extract unzip');

const urls = setOf('url urls uri uris webhookurl fileurl targeturl pageurl website websiteurl endpoint');

const secretWords =
  setOf(`secret secrets password passwords passphrase credential credentials keyvault kubeconfig dsn otp apikey
  passwort mot-de-passe contrasena senha cookies env presigned`);
const secretArguments = setOf(
  'password passphrase secret privatekey apikey clientsecret accesstoken authtoken otp newpassword',
);
const secretPairs = [
  ['api', 'key'],
  ['api', 'keys'],
  ['access', 'token'],
  ['private', 'key'],
  ['account', 'key'],
  ['connection', 'string'],
  ['publishable', 'keys'],
  ['environment', 'variables'],
  ['service', 'account'],
] as const;

const moneyWords =
  setOf(`payment payments pay refund refunds invoice invoices charge charges subscription buy purchase wallet
  transfer withdraw payout dispute trade bezahlen uberweisen pagar payer`);
const orderVerbs = setOf('place cancel pay create book');
const orders = setOf('order orders position positions booking flight');

const personWords =
  setOf(`email emails mail gmail inbox contact contacts customer customers user users profile patient patients employee
  employees person people member members attendee attendees messages chat chats calendar conversations oncalls candidate
  kunde kunden cliente clientes client clients utilisateur`);
const personArguments = setOf(
  'email firstname lastname fullname phonenumber phone ssn dateofbirth birthdate attendees passengers',
);

export function tagsOf({ texts, args }: Definition, tier: Tier): readonly ToolTag[] {
  const { nameWords, objects } = texts;
  const name = nameWords;
  const changes = tier !== 'read';
  const isLocal = !meets(args.names, elsewhere);
  const has: Readonly<Record<ToolTag, boolean>> = {
    'filesystem-write':
      changes &&
      ((isLocal && meets(name, files)) || (meets(objects, writesFiles) && isLocal && meets(args.names, localPaths))),
    execution: texts.isRunning,
    network: meets(args.names, urls),
    credentials:
      meets(name, secretWords) ||
      meets(args.names, secretArguments) ||
      secretPairs.some(([a, b]) => objects.has(a) && objects.has(b)),
    payment: changes && (meets(name, moneyWords) || (meets(name, orderVerbs) && meets(name, orders))),
    messaging: texts.isSending,
    'personal-data': meets(name, personWords) || meets(args.names, personArguments),
  };
  return toolTags.filter((tag) => has[tag]);
}
