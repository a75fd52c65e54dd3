<?php
/*
 * I-3-2: the document's program, as printed, its invalid JSON included, but for this.
 * - The base URL is taken from the environment.
 * - The reply is printed.
 */

$uri = getenv("BASE_URL") . "/api/json/sendsms/";

$data =

"JSON={\"compte\":{\"login\": \"toto@toto.fr\", \"password\": \"123456\"}, \"message\":{\"expediteur\": \"TOT O\", \"msgid\": \"15\", \"msg\": \"Juste un est\"}, \"destinataires\":{\"numero\": \"05442710\", {\"numero\": \"07352518\"}}\"";

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
