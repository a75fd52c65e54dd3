<?php
/*
 * V-3-2: the document's program, as printed, with the recipients inside the message, but for this.
 * - The base URL is taken from the environment.
 * - The reply is printed.
 */

$uri = getenv("BASE_URL") . "/api/json/sendhrl/";

$data =

"JSON={\"compte\":{\"login\": \"toto@toto.fr\", \"password\": \"123456\"}, \"message\":{\"msgid\": \"15\", \"destinataires\": [{\"numero\": \"05442710\"}, {\"numero\": \"07352518\"}]}}";

$ch = curl_init();

curl_setopt($ch, CURLOPT_URL, $uri);

curl_setopt($ch, CURLOPT_HTTPHEADER, array("Accept: application/json", "Accept: application/json", "Content-Type: application/json", "Content-Length: ". strlen($data)));

curl_setopt($ch, CURLOPT_POST, true);

curl_setopt($ch, CURLOPT_POSTFIELDS, $data);

curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);

$output = curl_exec ($ch);

curl_close ($ch); // close curl handle

echo $output;

?>
