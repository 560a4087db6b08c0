/**
 * Keys without a mark of their own: they are told by the name they are assigned to, or by the vendor's name shortly
 * before, and by their exact form. Columns: id, vendor, words (folded; one of them), form of the whole value.
 */
import { segmentsOf } from './format.ts';

type Row = readonly [id: string, vendor: string, words: string, ...forms: string[]];

const uuid = '{h:8}-{h:4}-{h:4}-{h:4}-{h:12}';

const rows: readonly Row[] = [
  ['aws-secret-key', 'AWS secret access key', 'aws secretaccesskey secret_access_key secretkey secret_key', '{B:40}'],
  ['aws-session-token', 'AWS session token', 'aws sessiontoken session_token', '{B:200-1600}'],
  ['azure-client-value', 'Microsoft Entra client secret', 'azure arm_client entra msal', '{x:40}', '{x:34}'],
  ['azure-cognitive', 'Azure Cognitive Services key', 'azure cognitive ocp-apim', '{h:32}'],
  ['azure-storage-bare', 'Azure storage key', 'azure storage accountkey account_key', '{B:88}'],
  ['alibaba-secret', 'Alibaba Cloud secret', 'alibaba aliyun alicloud', '{a:30}'],
  ['tencent-secret', 'Tencent Cloud secret key', 'tencent qcloud cos', '{a:32}'],
  ['huawei-secret', 'Huawei Cloud secret key', 'huawei obs hwcloud', '{a:40}'],
  ['baidu-secret', 'Baidu secret key', 'baidu bce', '{h:32}', '{a:32}'],
  ['ibm-cloud', 'IBM Cloud API key', 'ibm bluemix watson', '{b:44}'],
  ['oracle-cloud', 'Oracle Cloud auth token', 'oracle oci', '{x:20}'],
  ['scaleway-secret', 'Scaleway secret key', 'scaleway scw', uuid],
  ['ovh-secret', 'OVHcloud application secret', 'ovh', '{a:32}', '{h:32}'],
  ['hetzner', 'Hetzner Cloud token', 'hetzner hcloud', '{a:64}'],
  ['vultr', 'Vultr API key', 'vultr', '{u:36}'],
  ['linode-legacy', 'Linode token', 'linode', '{h:64}'],
  ['digitalocean-spaces', 'DigitalOcean Spaces secret', 'spaces digitalocean', '{B:43}', '{h:64}'],
  ['heroku-legacy', 'Heroku API key', 'heroku', uuid],
  ['vercel-legacy', 'Vercel token', 'vercel zeit now_token', '{a:24}'],
  ['netlify-legacy', 'Netlify token', 'netlify', '{b:40-46}'],
  ['railway', 'Railway token', 'railway', uuid],
  ['cloudflare-api', 'Cloudflare API token', 'cloudflare cf_api cf-api', '{b:40}', '{h:37}'],
  ['fastly', 'Fastly API token', 'fastly', '{b:32}'],
  ['akamai', 'Akamai client secret', 'akamai edgegrid', '{B:44}', 'akab-{l:16}-{l:16}'],
  ['bunny', 'bunny.net key', 'bunny bunnycdn', `${uuid}-{h:4}-{h:4}-{h:4}-{h:4}`, uuid],
  ['ngrok', 'ngrok authtoken', 'ngrok', '2{a:26}_{a:20-22}', '{a:49}'],
  ['vault-token', 'HashiCorp Vault token', 'vault', 's.{a:24}', uuid],
  ['consul', 'HashiCorp Consul token', 'consul', uuid],
  ['nomad', 'HashiCorp Nomad token', 'nomad', uuid],
  ['kubernetes-bootstrap', 'Kubernetes bootstrap token', 'kubeadm bootstrap', '{l:6}.{l:16}'],
  ['bitwarden', 'Bitwarden machine account token', 'bitwarden bws', `0.${uuid}.{a:30}:{B:24}`, '{a:30}'],
  ['yandex-static', 'Yandex Cloud static key', 'yandex', 'YC{b:38}'],
  ['backblaze-key', 'Backblaze application key', 'backblaze b2_', '{a:31}', '{B:31}'],
  ['wasabi', 'Wasabi secret key', 'wasabi', '{a:40}'],
  ['minio', 'MinIO secret key', 'minio', '{a:32}', '{B:40}'],
  ['upstash', 'Upstash token', 'upstash kv_rest', '{B:40-120}', '{b:40-120}'],
  ['turso', 'Turso token', 'turso libsql', '{t:80-400}'],
  ['mongodb-public', 'MongoDB Atlas private key', 'mongodb atlas', uuid],
  ['elastic', 'Elastic API key', 'elastic elasticsearch kibana', '{B:48-80}', '{a:24}'],
  ['algolia', 'Algolia API key', 'algolia', '{h:32}'],
  ['meilisearch', 'Meilisearch key', 'meili meilisearch', '{h:64}', '{b:43}'],
  ['typesense', 'Typesense key', 'typesense', '{a:32}', '{a:48}'],
  ['datadog-api', 'Datadog API key', 'datadog dd_api dd-api dd_app', '{h:32}', '{h:40}'],
  ['newrelic-insights', 'New Relic key', 'newrelic new_relic', '{h:40}', '{b:32}'],
  ['sumologic', 'Sumo Logic access key', 'sumo sumologic', '{a:64}'],
  ['splunk', 'Splunk HEC token', 'splunk hec', uuid],
  ['logzio', 'Logz.io token', 'logzio logz', '{a:32}', uuid],
  ['loggly', 'Loggly token', 'loggly', uuid],
  ['papertrail', 'Papertrail token', 'papertrail', '{a:20}'],
  ['logdna', 'LogDNA key', 'logdna', '{h:32}'],
  ['lightstep', 'Lightstep token', 'lightstep', '{B:80-140}'],
  ['honeycomb-legacy', 'Honeycomb key', 'honeycomb', '{h:32}', '{a:22}'],
  ['instana', 'Instana token', 'instana', '{b:22}', '{a:22}'],
  ['appdynamics', 'AppDynamics key', 'appdynamics', '{l:12}', uuid],
  ['rollbar', 'Rollbar token', 'rollbar', '{h:32}', '{h:128}'],
  ['bugsnag', 'Bugsnag key', 'bugsnag', '{h:32}'],
  ['raygun', 'Raygun key', 'raygun', '{a:22}'],
  ['airbrake', 'Airbrake key', 'airbrake', '{h:32}', '{h:40}'],
  ['honeybadger', 'Honeybadger key', 'honeybadger', 'hbp_{a:36}', '{h:32}'],
  ['sentry-legacy', 'Sentry token', 'sentry', '{h:64}', '{h:32}'],
  ['pagerduty', 'PagerDuty API key', 'pagerduty pager_duty', 'u+{b:18}', 'y_{b:18}', '{b:20}', '{h:32}'],
  ['opsgenie', 'Opsgenie API key', 'opsgenie', uuid],
  ['statuspage', 'Statuspage key', 'statuspage', uuid, '{h:64}'],
  ['uptimerobot', 'UptimeRobot key', 'uptimerobot', 'u{d:5-8}-{h:24}', 'm{d:8-10}-{h:24}'],
  ['pingdom', 'Pingdom token', 'pingdom', '{b:64}', '{b:90}'],
  ['codecov', 'Codecov token', 'codecov', uuid, '{l:32}'],
  ['codacy', 'Codacy token', 'codacy', '{h:32}', '{a:20}'],
  ['coveralls', 'Coveralls token', 'coveralls', '{a:33}'],
  ['codeclimate', 'Code Climate reporter id', 'codeclimate cc_test', '{h:64}'],
  ['circleci-legacy', 'CircleCI token', 'circle circleci', '{h:40}'],
  ['travis', 'Travis CI token', 'travis', '{b:22}', '{a:22}'],
  ['drone', 'Drone CI token', 'drone', '{a:32}'],
  ['appveyor', 'AppVeyor token', 'appveyor', 'v2.{l:20}', '{l:20}'],
  ['bitrise', 'Bitrise token', 'bitrise', '{b:86}'],
  ['jenkins', 'Jenkins token', 'jenkins', '{h:34}', '{h:32}'],
  ['teamcity', 'TeamCity token', 'teamcity', '{t:80-140}'],
  ['codemagic', 'Codemagic token', 'codemagic', '{b:43}'],
  ['snyk-legacy', 'Snyk token', 'snyk', uuid],
  ['sonar-legacy', 'SonarQube token', 'sonar', '{h:40}'],
  ['gitea', 'Gitea token', 'gitea forgejo codeberg', '{h:40}'],
  ['gitee', 'Gitee token', 'gitee', '{h:32}'],
  ['bitbucket', 'Bitbucket consumer secret', 'bitbucket', '{a:32}', '{b:64}'],
  ['jira', 'Atlassian API token', 'jira confluence atlassian', '{a:24}'],
  ['trello', 'Trello secret', 'trello', '{h:32}', '{h:64}'],
  ['asana', 'Asana token', 'asana', '{d:1}/{d:15-17}:{h:32}', '{h:32}'],
  ['monday', 'monday.com token', 'monday', '{t:120-400}'],
  ['todoist', 'Todoist token', 'todoist', '{h:40}'],
  ['airtable-key', 'Airtable key', 'airtable', 'key{a:14}'],
  ['miro', 'Miro token', 'miro', '{b:27}', '{b:36}'],
  ['coda', 'Coda token', 'coda', uuid],
  ['confluent-legacy', 'Confluent secret', 'confluent kafka', '{B:64}'],
  ['twilio-auth', 'Twilio auth token', 'twilio', '{h:32}'],
  ['vonage', 'Vonage API secret', 'vonage nexmo', '{a:16}'],
  ['plivo', 'Plivo auth token', 'plivo', '{B:40}', '{b:40}'],
  ['messagebird', 'MessageBird key', 'messagebird', '{a:25}'],
  ['sinch', 'Sinch token', 'sinch', '{h:32}'],
  ['telnyx', 'Telnyx key', 'telnyx', 'KEY{H:32}_{a:22}', 'KEY{u:32}_{a:22}'],
  ['mailgun-key', 'Mailgun key', 'mailgun', '{h:32}-{h:8}-{h:8}', 'key-{h:32}'],
  ['mailjet', 'Mailjet secret', 'mailjet', '{h:32}'],
  ['postmark', 'Postmark server token', 'postmark', uuid],
  ['sparkpost', 'SparkPost key', 'sparkpost', '{h:40}'],
  ['sendinblue', 'Brevo key', 'sendinblue brevo', '{a:16}'],
  ['pusher', 'Pusher secret', 'pusher', '{h:20}'],
  ['ably', 'Ably API key', 'ably', '{b:6}.{b:6}:{b:20-43}'],
  ['agora', 'Agora app certificate', 'agora', '{h:32}'],
  ['zoom', 'Zoom secret', 'zoom', '{a:32}', '{a:36}'],
  ['discord-bot', 'Discord bot token', 'discord bot', '{b:24-28}.{b:6}.{b:27-38}'],
  ['discord-secret', 'Discord client secret', 'discord', '{b:32}', '{h:64}'],
  ['facebook-secret', 'Facebook app secret', 'facebook fb_ meta_app instagram', '{h:32}', '{d:15}|{b:27}'],
  ['twitter-secret', 'X (Twitter) secret', 'twitter x_api', '{a:50}', '{a:45}', '{b:25}'],
  ['linkedin-secret', 'LinkedIn secret', 'linkedin', '{a:16}'],
  ['reddit', 'Reddit secret', 'reddit', '{b:27}', '{b:30}'],
  ['twitch', 'Twitch token', 'twitch', '{l:30}'],
  ['spotify', 'Spotify secret', 'spotify', '{h:32}'],
  ['tiktok-secret', 'TikTok secret', 'tiktok', '{a:32}', '{h:40}'],
  ['snapchat', 'Snapchat token', 'snapchat', '{b:36-60}'],
  ['dropbox', 'Dropbox secret', 'dropbox', '{l:15}', '{b:64}'],
  ['box', 'Box secret', 'box_client boxapp box_', '{a:32}'],
  ['okta', 'Okta API token', 'okta ssws', '00{b:40}', '{b:64}'],
  ['auth0', 'Auth0 client secret', 'auth0', '{b:64}'],
  ['onelogin', 'OneLogin secret', 'onelogin', '{h:64}'],
  ['keycloak', 'Keycloak client secret', 'keycloak', uuid, '{a:32}'],
  ['descope', 'Descope key', 'descope', 'K2{a:70-120}'],
  ['firebase', 'Firebase secret', 'firebase fcm', '{a:40}'],
  ['here', 'HERE API key', 'here_api heremaps', '{b:43}'],
  ['openweather', 'OpenWeather key', 'openweather owm', '{h:32}'],
  ['tomtom', 'TomTom key', 'tomtom', '{a:32}'],
  ['ipinfo', 'IPinfo token', 'ipinfo', '{h:14}'],
  ['abuseipdb', 'AbuseIPDB key', 'abuseipdb', '{h:80}'],
  ['virustotal', 'VirusTotal key', 'virustotal vt_api', '{h:64}'],
  ['shodan', 'Shodan key', 'shodan', '{a:32}'],
  ['censys', 'Censys secret', 'censys', '{a:32}'],
  ['urlscan', 'urlscan.io key', 'urlscan', uuid],
  ['rapidapi', 'RapidAPI key', 'rapidapi x-rapidapi', '{a:50}', '{a:15}msh{a:15}p{a:6}jsn{a:12}'],
  ['serpapi', 'SerpApi key', 'serpapi serp', '{h:64}'],
  ['serper', 'Serper key', 'serper', '{h:40}'],
  ['brave-search', 'Brave Search key', 'brave', 'BSA{b:20-30}'],
  ['bing-search', 'Bing search key', 'bing', '{h:32}'],
  ['exa', 'Exa API key', 'exa_api exa.ai', uuid],
  ['cohere', 'Cohere API key', 'cohere co_api', '{a:40}'],
  ['mistral', 'Mistral API key', 'mistral', '{a:32}'],
  ['together-legacy', 'Together API key', 'together', '{h:64}'],
  ['zhipu', 'Zhipu API key', 'zhipu glm bigmodel', '{h:32}.{a:16}'],
  ['ai21', 'AI21 key', 'ai21', '{a:32}', uuid],
  ['baseten', 'Baseten API key', 'baseten', '{a:8}.{a:32}'],
  ['fal', 'fal.ai key', 'fal_key fal.ai', `${uuid}:{h:32}`],
  ['deepgram', 'Deepgram API key', 'deepgram', '{h:40}'],
  ['assemblyai', 'AssemblyAI key', 'assemblyai assembly', '{h:32}'],
  ['deepl', 'DeepL key', 'deepl', `${uuid}:fx`, uuid],
  ['wandb-legacy', 'Weights & Biases key', 'wandb', '{h:40}'],
  ['comet-legacy', 'Comet key', 'comet', '{a:25}'],
  ['neptune', 'Neptune token', 'neptune', '{B:100-300}'],
  ['clarifai', 'Clarifai key', 'clarifai', '{h:32}'],
  ['azure-openai', 'Azure OpenAI key', 'openai', '{h:32}', '{a:84}'],
  ['weaviate', 'Weaviate key', 'weaviate wcs', '{a:40}', '{a:36}'],
  ['qdrant', 'Qdrant key', 'qdrant', '{b:40-80}'],
  ['pinecone-legacy', 'Pinecone key', 'pinecone', uuid],
  ['scale-ai', 'Scale key', 'scale_api scaleapi', 'live_{h:32}'],
  ['stripe-other', 'Stripe key', 'stripe', '{a:24-99}'],
  ['braintree', 'Braintree private key', 'braintree bt_', '{h:32}'],
  ['paypal', 'PayPal secret', 'paypal', '{b:80}'],
  ['adyen-hmac', 'Adyen HMAC key', 'adyen', '{H:64}'],
  ['coinbase', 'Coinbase secret', 'coinbase', '{b:64}', '{a:32}'],
  ['binance', 'Binance secret', 'binance', '{a:64}'],
  ['kraken', 'Kraken secret', 'kraken', '{B:88}', '{B:80-92}'],
  ['kucoin', 'KuCoin secret', 'kucoin', uuid, '{h:24}'],
  ['bitfinex', 'Bitfinex secret', 'bitfinex', '{a:43}'],
  ['bybit', 'Bybit secret', 'bybit', '{a:36}', '{a:18}'],
  ['okx', 'OKX secret', 'okx okex', '{H:32}', uuid],
  ['etherscan', 'Etherscan key', 'etherscan bscscan polygonscan', '{u:34}'],
  ['infura', 'Infura secret', 'infura', '{h:32}', '{B:54-60}'],
  ['alchemy', 'Alchemy key', 'alchemy', '{b:32}'],
  ['moralis', 'Moralis key', 'moralis', '{t:120-400}', '{a:64}'],
  ['quicknode', 'QuickNode token', 'quicknode', '{h:40}', 'QN_{h:32}'],
  [
    'wallet-private',
    'Private key of a wallet',
    'wallet ethereum eth_ deployer signer private_key privatekey',
    '0x{H:64}',
    '{H:64}',
    '{k:51-52}',
    '{k:87-88}',
  ],
  ['wireguard', 'WireGuard key', 'wireguard privatekey presharedkey', '{B:44}'],
  ['finnhub', 'Finnhub key', 'finnhub', '{l:20}', '{l:40}'],
  ['alphavantage', 'Alpha Vantage key', 'alphavantage alpha_vantage', '{u:16}'],
  ['polygon', 'Polygon.io key', 'polygon', '{b:32}'],
  ['etsy', 'Etsy key', 'etsy', '{l:24}'],
  ['ebay', 'eBay certificate', 'ebay', '{a:8}-{h:4}-{h:4}-{h:4}-{h:12}', 'PRD-{h:12}-{h:4}-{h:4}-{h:4}-{h:4}'],
  ['bigcommerce', 'BigCommerce token', 'bigcommerce', '{l:31}'],
  ['squarespace', 'Squarespace key', 'squarespace', uuid],
  ['storyblok', 'Storyblok token', 'storyblok', '{a:22}tt'],
  ['contentful-delivery', 'Contentful token', 'contentful', '{b:43}'],
  ['ghost-admin', 'Ghost admin key', 'ghost', '{h:24}:{h:64}'],
  ['datocms', 'DatoCMS token', 'dato datocms', '{h:30}'],
  ['prismic', 'Prismic token', 'prismic', '{t:80-200}'],
  ['zendesk', 'Zendesk token', 'zendesk', '{a:40}'],
  ['freshdesk', 'Freshdesk key', 'freshdesk freshservice', '{a:20}'],
  ['helpscout', 'Help Scout secret', 'helpscout', '{a:32}'],
  ['front', 'Front token', 'front_api frontapp', '{t:120-400}'],
  ['hubspot-legacy', 'HubSpot key', 'hubspot hapikey', uuid],
  ['pipedrive', 'Pipedrive token', 'pipedrive', '{h:40}'],
  ['activecampaign', 'ActiveCampaign key', 'activecampaign', '{h:64}', '{h:72}'],
  ['klaviyo-legacy', 'Klaviyo key', 'klaviyo', 'pk_{h:34}'],
  ['braze', 'Braze key', 'braze', uuid],
  ['segment-write', 'Segment write key', 'segment', '{a:32}'],
  ['mixpanel', 'Mixpanel secret', 'mixpanel', '{h:32}'],
  ['amplitude', 'Amplitude secret', 'amplitude', '{h:32}'],
  ['fullstory', 'FullStory key', 'fullstory', 'na1.{B:60-120}'],
  ['optimizely', 'Optimizely token', 'optimizely', '2:{b:40-60}'],
  ['launchdarkly-legacy', 'LaunchDarkly token', 'launchdarkly', '{b:40}', uuid],
  ['split-io', 'Split key', 'split_api splitio', '{l:35-60}'],
  ['docusign', 'DocuSign secret', 'docusign', uuid],
  ['plaid', 'Plaid secret', 'plaid', '{h:30}'],
  ['finicity', 'Finicity secret', 'finicity', '{l:20}', '{h:32}'],
  ['quickbooks', 'QuickBooks secret', 'quickbooks intuit', '{a:40}'],
  ['xero', 'Xero secret', 'xero', '{b:48}'],
  ['freshbooks', 'FreshBooks secret', 'freshbooks', '{h:64}'],
  ['strava', 'Strava secret', 'strava fitbit', '{h:40}', '{h:32}'],
  ['nytimes', 'New York Times key', 'nytimes new_york_times', '{a:32}'],
  ['unsplash', 'Unsplash key', 'unsplash', '{b:43}'],
  ['pexels', 'Pexels key', 'pexels', '{a:56}'],
  ['flickr', 'Flickr secret', 'flickr', '{h:16}'],
  ['lastfm', 'Last.fm key', 'lastfm', '{h:32}'],
  ['tmdb', 'TMDB key', 'tmdb themoviedb', '{h:32}'],
  ['steam', 'Steam key', 'steam', '{H:32}'],
  ['browserstack', 'BrowserStack key', 'browserstack', '{a:20}'],
  ['saucelabs', 'Sauce Labs key', 'sauce', uuid],
  ['lambdatest', 'LambdaTest key', 'lambdatest', '{a:50}', 'LT_{a:50}'],
  ['percy', 'Percy token', 'percy', 'web_{h:64}', '{h:64}'],
  ['cypress', 'Cypress record key', 'cypress', uuid],
  ['crowdin', 'Crowdin token', 'crowdin', '{h:80}'],
  ['lokalise', 'Lokalise token', 'lokalise', '{h:40}'],
  ['phrase', 'Phrase token', 'phrase_', '{h:64}'],
  ['transifex', 'Transifex token', 'transifex', '1/{h:40}'],
];

export interface Vendor {
  readonly id: string;
  readonly summary: string;
  readonly words: readonly string[];
  readonly forms: readonly RegExp[];
  /** As they are written above, for whatever makes values of them. */
  readonly patterns: readonly string[];
}

const classes: Readonly<Record<string, string>> = {
  d: '0-9',
  h: '0-9a-f',
  H: '0-9a-fA-F',
  l: '0-9a-z',
  u: '0-9A-Z',
  a: '0-9a-zA-Z',
  w: '\\w',
  b: '\\w-',
  B: '\\w+/=-',
  t: '\\w.-',
  c: 'A-Z2-7',
  z: 'a-z',
  k: '1-9A-HJ-NP-Za-km-z',
  x: '\\w+/=.~-',
};

/** Runs of fixed alphabets between literals, on a value of bounded length. */
function regexOf(form: string): RegExp {
  const source = segmentsOf(form).map((segment) =>
    typeof segment === 'string'
      ? segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      : `[${classes[segment.alphabet] ?? ''}]{${segment.least},${segment.most}}`,
  );
  return new RegExp(`^${source.join('')}$`);
}

export const vendors: readonly Vendor[] = rows.map(([id, summary, words, ...forms]) => ({
  id,
  summary,
  words: words.split(' '),
  forms: forms.map(regexOf),
  patterns: forms,
}));

function lengthsOf(form: string): readonly [least: number, most: number] {
  let [least, most] = [0, 0];
  for (const each of segmentsOf(form)) {
    least += typeof each === 'string' ? each.length : each.least;
    most += typeof each === 'string' ? each.length : each.most;
  }
  return [least, most];
}

/** Characters of the shortest key. */
export const shortestKey = Math.min(...vendors.flatMap(({ patterns }) => patterns).map((form) => lengthsOf(form)[0]));

/** The vendors of whose keys some are that long: few of all, and most values have the length of none. */
const byLength = new Map<number, readonly Vendor[]>();

function thatLong(length: number): readonly Vendor[] {
  const known = byLength.get(length);
  if (known !== undefined) return known;
  const found = vendors.filter(({ patterns }) =>
    patterns.some((form) => {
      const [least, most] = lengthsOf(form);
      return length >= least && length <= most;
    }),
  );
  byLength.set(length, found);
  return found;
}

/** Whether some keys are that long. */
export function mayBeOfVendor(value: string): boolean {
  return thatLong(value.length).length > 0;
}

/** The vendor whose key this is, by a name (folded) and the form of the value, which is no longer than values are. */
export function vendorOf(name: string, value: string): Vendor | undefined {
  return thatLong(value.length).find(
    ({ words, forms }) => words.some((word) => stands(name, word)) && forms.some((form) => form.test(value)),
  );
}

const letter = /[a-z]/;

/** Short names are parts of many words, and count between other characters than letters only. */
function stands(name: string, word: string): boolean {
  const at = name.indexOf(word);
  if (at < 0 || word.length > 4) return at >= 0;
  return !letter.test(name[at - 1] ?? ' ') && !letter.test(name[at + word.length] ?? ' ');
}
