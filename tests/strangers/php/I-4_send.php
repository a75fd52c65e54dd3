<?php
/*
 * I-4: the document's program, as printed but for this.
 * - "< ?php" has lost its blank, and so has the URL in $wsdl.
 * - The base URL is taken from the environment.
 * - The reply is printed.
 */

$wsdl = getenv("BASE_URL") . "/api/soap/wsdl/";

$server = getenv("BASE_URL") . "/api/soap/server/";

$options = array("location" =>$server, "trace"=>true, 'style'=> SOAP_DOCUMENT, 'use'=> SOAP_LITERAL);

$api = new SoapClient($wsdl, $options);

$smsdatas = array("login"=>"particulier@smseco.com", "password"=>"123456", "msgid"=>"9876543210",
"msg"=>"Bonjour, Ceci est juste un test .", "expediteur"=>"TEST", "datesend"=>"2015-06-21 16:49",
"to"=>array("07352518", "05442710", "08559001"));

echo json_encode($api->Sendsms($smsdatas));

?>
